"""A SavedModel without the gradients that training alone needs."""

from __future__ import annotations

from pathlib import Path

from ctrmoe.export.model_file import edited

GRADIENT = "_gradient_op_type"


def forget_gradients(folder: Path) -> None:
    """Removes the names of custom gradients from a SavedModel that was saved without them.

    `tf.saved_model.load` would warn of each function that names one. What is loaded still has a
    gradient: that of the operations themselves.

    Args:
        folder: The SavedModel.
    """
    with edited(folder) as graphs:
        for graph in graphs:
            for function in graph.graph_def.library.function:
                for node in function.node_def:
                    node.attr.pop(GRADIENT, None)
