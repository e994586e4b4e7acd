"""Names in a SavedModel's signatures that TensorFlow's saver does not write."""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from pathlib import Path

from ctrmoe.export.model_file import edited

CLASSIFY, REGRESS = "classify", "regress"
"""Signatures of TensorFlow Serving's Classify and Regress requests, of the first task."""


def by_task(kind: str, tasks: Sequence[str]) -> dict[str, str]:
    """Returns the task of each signature of a kind: `classify`, and one a task of several."""
    several = {f"{kind}_{task}": task for task in tasks} if len(tasks) > 1 else {}
    return {kind: tasks[0]} | several


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """Returns a name that TensorFlow's saver accepts for each name, its own where it is one."""
    return {
        name: name
        if name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
        else f"input_{index}_"
        for index, name in enumerate(names)
    }


def rename(folder: Path, inputs: Mapping[str, str], methods: Mapping[str, str]) -> None:
    """Renames inputs of a SavedModel's signatures, and sets signatures' methods.

    The saver takes Python's argument names only; the file format, TensorFlow Serving and the
    loaded signature's keywords take any text. The saver calls every method "predict".

    Args:
        folder: The SavedModel.
        inputs: Old name to new name.
        methods: Name of a signature to its method, `classify` or `regress`.
    """
    with edited(folder) as graphs:
        for graph in graphs:
            for signature in graph.signature_def.values():
                for old in set(signature.inputs) & set(inputs):
                    signature.inputs[inputs[old]].CopyFrom(signature.inputs[old])
                    del signature.inputs[old]
            for name, method in methods.items():
                graph.signature_def[name].method_name = f"tensorflow/serving/{method}"
            for node in graph.object_graph_def.nodes:
                if node.HasField("bare_concrete_function"):
                    keywords = node.bare_concrete_function.argument_keywords
                    keywords[:] = [inputs.get(word, word) for word in keywords]
