"""Raw rows as the arrays that a signature takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.columns import MARK, canonical, numbers
from ctrmoe.data.frames import as_polars, is_frame
from ctrmoe.data.sources import Origin
from ctrmoe.schema import SchemaError
from ctrmoe.serving.client.signature import Input

Rows = Any
"""A list of dicts, a dict of columns, a polars or a pandas frame."""
Arrays = dict[str, np.ndarray]
ROWS = Origin("the rows")
MISSING: dict[str, Any] = {
    "number": float("nan"),
    "integer": MARK["integer"],
    "text": MARK["string"],
}
"""What stands for a missing value: tensors know no nulls."""
_DTYPES = {"number": np.float32, "integer": np.int64, "text": object}


def as_frame(rows: Rows) -> pl.DataFrame:
    """Returns rows as a frame; a key that some rows lack is null there.

    Raises:
        SchemaError: If they are none.
    """
    try:
        if is_frame(rows):
            return as_polars(rows)
        if isinstance(rows, Mapping):
            return pl.DataFrame(dict(rows), strict=False)
        if isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
            return pl.DataFrame(rows, infer_schema_length=None, strict=False)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise SchemaError(f"`rows` must make a table. Received: {error}.") from error
    raise SchemaError(
        "`rows` must be dicts, a dict of columns, or a polars, pandas or pyarrow table. Received: "
        f"{type(rows).__name__}."
    )


def arrays_of(frame: pl.DataFrame, inputs: Sequence[Input]) -> Arrays:
    """Returns an array `[rows, 1]`, or `[rows, length]` of lists, for each input.

    A column that the frame lacks is missing in every row; one that no input reads is left out.

    Raises:
        SchemaError: If a column can't be what its input takes.
    """
    return {of.name: _array(frame, of) for of in inputs}


def _array(frame: pl.DataFrame, of: Input) -> np.ndarray:
    if of.name not in frame.columns:
        return np.full((frame.height, 1), MISSING[of.kind], _DTYPES[of.kind])
    column = frame[of.name]
    is_list = isinstance(column.dtype, pl.List | pl.Array)
    if is_list != of.is_list and column.dtype != pl.Null:
        wanted = "lists" if of.is_list else "single values"
        raise SchemaError(
            f"`{of.name}` must hold {wanted}. Received: {column.dtype} in {ROWS.name}."
        )
    return _padded(column, of) if is_list else _values(column, of)[:, None]


def _values(column: pl.Series, of: Input) -> np.ndarray:
    if of.kind == "number":
        return numbers(column)
    values = canonical(column, "integer" if of.kind == "integer" else "string", ROWS)
    if of.kind == "integer" and values.dtype == pl.String:
        values = _whole(values, of)
    return values.fill_null(MISSING[of.kind]).to_numpy()


def _padded(column: pl.Series, of: Input) -> np.ndarray:
    """Pads lists with missing values to the longest, which the graph drops again."""
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    lengths = column.list.len().fill_null(0).to_numpy()
    padded = np.full(
        (len(column), max(lengths.max(initial=1), 1)), MISSING[of.kind], _DTYPES[of.kind]
    )
    present = np.arange(padded.shape[1]) < lengths[:, None]
    padded[present] = _values(column.filter(lengths > 0).explode(), of)
    return padded


def _whole(texts: pl.Series, of: Input) -> pl.Series:
    """Reads decimal text of whole numbers."""
    whole = texts.cast(pl.Int64, strict=False)
    wrong = whole.is_null() & texts.is_not_null()
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise SchemaError(
            f"`{of.name}` must hold whole numbers. Received: {texts[row]!r} in {ROWS.row(row)}."
        )
    return whole
