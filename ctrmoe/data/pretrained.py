"""Pre-trained vectors of a feature's values, from a parquet file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical
from ctrmoe.data.encode import Encoder
from ctrmoe.data.parquet import read_chunks
from ctrmoe.data.sources import Origin
from ctrmoe.schema import SchemaError

VALUE, VECTOR = "value", "vector"


def read_vectors(
    path: str | Path, encoder: Encoder, name: str, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Reads the vectors of the values that the vocabulary of a feature holds.

    Args:
        path: A table with the columns `value`, as the raw column spells it, and `vector`, a list
            of numbers. Values that are not in the vocabulary are left out.
        encoder: Gives the ids.
        name: The feature.
        width: Length of the vectors.

    Returns:
        The ids `[n]` int32 and the vectors `[n, width]` float32.

    Raises:
        SchemaError: If the feature has no vocabulary, a value occurs twice, or a vector is missing,
            of another length, or not finite.
    """
    feature = encoder.schema[name]
    vocabulary = encoder.vocabularies.get(name)
    if vocabulary is None or feature.hash_buckets:
        raise SchemaError(
            f"Feature `{name}` must have a vocabulary of its own for pre-trained vectors. "
            f"Received: kind={feature.kind!r}, hash_buckets={feature.hash_buckets}."
        )
    ids, vectors = [np.zeros(0, np.int32)], [np.zeros((0, width), np.float32)]
    rows = 0
    for frame in read_chunks(path, [VALUE, VECTOR]):
        where = Origin(str(path), rows)
        matrix = _matrix(frame[VECTOR], width, name, where)
        found = vocabulary.ids(canonical(frame[VALUE], feature.dtype, where))
        known = found >= vocabulary.first_value
        ids.append(found[known])
        vectors.append(matrix[known])
        rows += len(frame)
    joined = np.concatenate(ids)
    distinct, counts = np.unique(joined, return_counts=True)
    if (counts > 1).any():
        twice = vocabulary.values[int(distinct[counts.argmax()]) - vocabulary.first_value]
        raise SchemaError(
            f"`{VALUE}` must name a value of `{name}` once. Received: {twice!r} "
            f"{counts.max()} times in {path}. Keep one of the vectors."
        )
    return joined, np.concatenate(vectors)


def _matrix(column: pl.Series, width: int, name: str, where: Origin) -> np.ndarray:
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if not isinstance(column.dtype, pl.List) or not column.dtype.inner.is_numeric():
        raise SchemaError(
            f"`{VECTOR}` must be a list of numbers. Received: {column.dtype} in {where.name}."
        )
    lengths = column.list.len().fill_null(0).to_numpy()
    if (lengths != width).any():
        row = int((lengths != width).argmax())
        raise SchemaError(
            f"`{VECTOR}` must have {width} numbers, the width of the table of `{name}`. "
            f"Received: {lengths[row]} in {where.row(row)}. Set `model.embedding.dims.{name}` to "
            "the width of the vectors."
        )
    numbers = column.explode().cast(pl.Float32).fill_null(float("nan")).to_numpy()
    matrix = numbers.reshape(len(column), width) if len(column) else np.zeros((0, width), "float32")
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise SchemaError(
            f"`{VECTOR}` must be finite numbers. Received: {matrix[~finite][0].tolist()} in "
            f"{where.row(int((~finite).argmax()))}."
        )
    return matrix
