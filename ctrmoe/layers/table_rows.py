"""How rows of tables are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras
from keras import ops

Reader = Callable[[Any, Any], Any]

TABLES = ".*/table"  # the paths of the variables that are read so

_READER: ContextVar[Reader | None] = ContextVar("reader", default=None)


@contextmanager
def reading_tables(reader: Reader) -> Iterator[None]:
    """Lets `reader` read the rows of all tables that are called within the block.

    So an export keeps tables in a form of its own, and layers know nothing of it.

    Args:
        reader: Takes the variable of a table and row numbers, returns their rows as float32.
    """
    token = _READER.set(reader)
    try:
        yield
    finally:
        _READER.reset(token)


def gather_rows(table: Any, rows: Any) -> Any:
    """Reads rows of a variable; on TensorFlow their gradient is `tf.IndexedSlices`."""
    reader = _READER.get()
    if reader is not None:
        return reader(table, rows)
    if keras.backend.backend() != "tensorflow":
        return ops.take(table, rows, axis=0)
    import tensorflow as tf

    # `ops.take` reads the whole variable, and an in-place update then has to copy it.
    return tf.nn.embedding_lookup(table.value, rows)
