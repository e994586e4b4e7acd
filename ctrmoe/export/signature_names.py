"""Signature inputs called like the raw columns, whatever characters those contain."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """Returns a name that TensorFlow's saver accepts for each name, its own where it is one."""
    return {
        name: name
        if name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
        else f"input_{index}_"
        for index, name in enumerate(names)
    }


def rename_inputs(folder: Path, names: Mapping[str, str]) -> None:
    """Renames inputs of a SavedModel's signatures.

    The saver takes Python's argument names only; the file format, TensorFlow Serving and the
    loaded signature's keywords take any text.

    Args:
        folder: The SavedModel.
        names: Old name to new name.
    """
    if not names:
        return
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        for signature in graph.signature_def.values():
            for old in set(signature.inputs) & set(names):
                signature.inputs[names[old]].CopyFrom(signature.inputs[old])
                del signature.inputs[old]
        for node in graph.object_graph_def.nodes:
            if node.HasField("bare_concrete_function"):
                keywords = node.bare_concrete_function.argument_keywords
                keywords[:] = [names.get(word, word) for word in keywords]
    path.write_bytes(saved.SerializeToString(deterministic=True))
