"""A SavedModel without the gradients that training alone needs."""

from __future__ import annotations

from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

GRADIENT = "_gradient_op_type"


def forget_gradients(folder: Path) -> None:
    """Removes the names of custom gradients from a SavedModel that was saved without them.

    `tf.saved_model.load` would warn of each function that names one. What is loaded still has a
    gradient: that of the operations themselves.

    Args:
        folder: The SavedModel.
    """
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        for function in graph.graph_def.library.function:
            for node in function.node_def:
                node.attr.pop(GRADIENT, None)
    path.write_bytes(saved.SerializeToString(deterministic=True))
