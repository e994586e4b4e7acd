"""The devices of a SavedModel's variables."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ctrmoe.export.model_file import edited

PLACES: dict[str, str | None] = {"auto": None, "cpu": "/device:CPU:0"}
"""Where tables may lie: `auto` leaves the choice to what runs the graph."""


def place_variables(folder: Path, names: Collection[str], device: str) -> None:
    """Places some variables on a device and leaves all others unplaced.

    The saver writes the devices of all variables or of none. Were all of them written, the dense
    part would stay on the CPU that the model was exported on.

    Args:
        folder: The SavedModel.
        names: Those of the variables.
        device: As in `tf.device`.
    """
    with edited(folder) as graphs:
        for graph in graphs:
            for node in graph.graph_def.node:  # for a session
                if node.op == "VarHandleOp" and node.attr["shared_name"].s.decode() in names:
                    node.device = device
            for entry in graph.object_graph_def.nodes:  # for `tf.saved_model.load`
                if entry.HasField("variable") and entry.variable.name in names:
                    entry.variable.device = device
