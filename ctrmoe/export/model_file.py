"""The graph of a SavedModel, changed after TensorFlow's saver wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2


@contextmanager
def edited(folder: Path) -> Iterator[list[saved_model_pb2.MetaGraphDef]]:
    """Yields the graphs of a SavedModel and writes them back; after an error nothing is written.

    Args:
        folder: The SavedModel, not yet published: the file is written in its place.
    """
    path = folder / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    yield list(saved.meta_graphs)
    path.write_bytes(saved.SerializeToString(deterministic=True))
