"""Chunks of rows that wait on the disk while the vocabularies are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from ctrmoe.data.fit import Chunk
from ctrmoe.data.lists import Values
from ctrmoe.data.packed import LABEL_PREFIX

PART = LABEL_PREFIX
"""The column of the parts' numbers: no feature may be called so, and every task has a name."""


class Spill:
    """Keeps chunks in the order in which they are written, one Arrow file each.

    They take four bytes a number or text and eight a whole number, uncompressed; a file is removed
    once it is read.

    Args:
        folder: The folder to make.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._files: list[Path] = []
        self.rows = 0

    def write(self, chunk: Chunk, labels: dict[str, np.ndarray], parts: np.ndarray) -> None:
        """Adds a chunk, its int8 labels by task, and the int8 number of each row's part."""
        columns = {
            **{name: _as_arrow(column) for name, column in chunk.items()},
            **{LABEL_PREFIX + task: pa.array(column) for task, column in labels.items()},
            PART: pa.array(parts),
        }
        batch = pa.RecordBatch.from_pydict(columns)
        path = self._folder / f"chunk-{len(self._files):06d}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        self._files.append(path)
        self.rows += len(parts)

    def read(self) -> Iterator[tuple[Chunk, dict[str, np.ndarray], np.ndarray]]:
        """Yields once what `write` took; the folder is gone at the end."""
        for path in self._files:
            with pa.OSFile(str(path)) as file:
                batch = pa.ipc.open_file(file).get_batch(0)
            path.unlink()
            features, labels = {}, {}
            for name in batch.schema.names:
                if name.startswith(LABEL_PREFIX):
                    labels[name.removeprefix(LABEL_PREFIX)] = batch[name].to_numpy()
                else:
                    features[name] = _from_arrow(batch[name])
            parts = labels.pop(PART.removeprefix(LABEL_PREFIX))
            yield features, labels, parts
        self._folder.rmdir()


def _as_arrow(column: Values | np.ndarray) -> pa.Array:
    if not isinstance(column, Values):
        flat = pa.array(column.reshape(-1))
        weighted = column.ndim > 1
        return pa.FixedSizeListArray.from_arrays(flat, column.shape[1]) if weighted else flat
    values = column.values.to_arrow()
    if column.lengths is None:
        return values
    return pa.LargeListArray.from_arrays(np.append(0, np.cumsum(column.lengths)), values)


def _from_arrow(array: pa.Array) -> Values | np.ndarray:
    if pa.types.is_large_list(array.type):
        return Values(pl.Series(array.values), np.diff(array.offsets.to_numpy()))
    if pa.types.is_fixed_size_list(array.type):
        weights: np.ndarray = array.flatten().to_numpy()
        return weights.reshape(len(array), -1)
    numbers: np.ndarray | None = array.to_numpy() if array.type == pa.float32() else None
    return Values(pl.Series(array)) if numbers is None else numbers
