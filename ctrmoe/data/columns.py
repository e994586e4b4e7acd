"""Raw columns in their canonical form: text, whole numbers, numbers and labels.

The canonical value of a categorical is text (`dtype` "string") or an int64 ("integer"); the
exported graph takes it in that form. A column of another type is cast where nothing is lost.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from ctrmoe.data.sources import Origin
from ctrmoe.schema import UNLABELLED, SchemaError

INT64_MIN = -(2**63)
MARK = {"string": "", "integer": INT64_MIN}
"""What stands for a missing value, by `dtype`, in the exported graph, which knows no nulls."""

_TEXT = (pl.String, pl.Categorical, pl.Enum)
_AS_TEXT = (pl.String, pl.Binary, pl.Categorical, pl.Enum, pl.Date, pl.Datetime, pl.Time)


def infer_dtype(
    name: str, dtype: pl.DataType, where: str = "the table"
) -> Literal["", "string", "integer"]:
    """Returns the canonical type of a categorical column, empty for a column of nulls.

    Raises:
        SchemaError: When the type of the column holds no categories.
    """
    if isinstance(dtype, pl.List | pl.Array):
        return infer_dtype(name, dtype.inner, where)  # type: ignore[arg-type]
    if dtype == pl.Null:
        return ""
    if dtype in _AS_TEXT:
        return "string"
    if dtype.is_numeric() or dtype == pl.Boolean:
        return "integer"
    raise SchemaError(
        f"`{name}` must be a column of text or whole numbers. Received: {dtype} in {where}. Cast "
        "it to text."
    )


def canonical(values: pl.Series, dtype: str, where: Origin) -> pl.Series:
    """Casts the values of a categorical to text or int64.

    Text in an integer feature becomes the decimal text of the number; where it is no whole
    number it stays as it is, a text that no vocabulary of integers holds.

    Raises:
        SchemaError: When a value would be changed, with its row.
    """
    infer_dtype(values.name, values.dtype, where.name)
    if values.dtype == pl.Null:
        return values.cast(pl.Int64 if dtype == "integer" else pl.String)
    if values.dtype == pl.Boolean:
        values = values.cast(pl.Int8)
    elif values.dtype.is_float() or values.dtype.is_decimal():
        values = _whole(values, where)
    if dtype == "integer":
        return _integers(values, where)
    try:
        return values if values.dtype == pl.String else values.cast(pl.String)
    except pl.exceptions.ComputeError as error:
        raise SchemaError(
            f"`{values.name}` must be UTF-8 text. Received: other bytes in {where.name}. Decode it."
        ) from error


def is_missing(values: pl.Series) -> pl.Series:
    """Returns which canonical values are missing."""
    mark = MARK["string" if values.dtype == pl.String else "integer"]
    return filled(values == mark, True)


def filled(values: pl.Series, value: Any) -> pl.Series:
    """Puts a value in the place of nulls; polars' own takes time even where there are none."""
    return values.fill_null(value) if values.has_nulls() else values


def numbers(values: pl.Series) -> np.ndarray:
    """Returns a numeric column as float32, which the served model takes too.

    Missing numbers are NaN: null, those beyond the range of float32, text that is no number.
    Subnormal numbers are 0.

    Raises:
        SchemaError: When the column holds no numbers.
    """
    dtype = values.dtype
    if dtype in _TEXT:
        values = values.cast(pl.String).str.strip_chars()
    elif not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise SchemaError(
            f"`{values.name}` must be a column of numbers. Received: {dtype}. Declare it "
            "categorical, or cast it to a number."
        )
    # By way of float64, as Python and NumPy read text and large integers.
    narrow = values.cast(pl.Float64, strict=False).cast(pl.Float32)
    result = filled(narrow, float("nan")).to_numpy(writable=True)
    size = np.abs(result)
    result[np.isinf(size)] = np.nan
    # TensorFlow flushes them to zero in the served model.
    result[size < np.finfo(np.float32).tiny] = 0
    return result


def labels(values: pl.Series, where: Origin) -> np.ndarray:
    """Returns a label column as int8, `UNLABELLED` for null, NaN and empty text.

    Args:
        values: 0 and 1 as numbers, booleans or text, which may be `True` and `False` too.
        where: Names the column's table in error messages.

    Raises:
        SchemaError: When a value is neither 0 nor 1, with its row.
    """
    dtype = values.dtype
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null, *_TEXT)):
        raise SchemaError(
            f"Label `{values.name}` must be 0 or 1. Received: a column of {dtype} in {where.name}. "
            "Cast it."
        )
    text = plain_text(values.cast(pl.String)) if dtype in _TEXT else values
    result = text.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    wrong = (result != 0) & (result != 1)
    if wrong.any():
        empty = (
            text == "" if text.dtype == pl.String else text.cast(pl.Float64).is_nan()
        ).fill_null(True)
        result = np.where(empty.to_numpy(), UNLABELLED, result)
        wrong &= ~empty.to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise SchemaError(
            f"Label `{values.name}` must be 0 or 1. Received: {values[row]!r} in {where.row(row)}. "
            "Mend the value or leave the row out."
        )
    return result.astype(np.int8)


def plain_text(texts: pl.Series) -> pl.Series:
    """Returns texts as they are parsed: without blanks around, true and false as 1 and 0."""
    texts = texts.str.strip_chars()
    return texts.replace({"True": "1", "true": "1", "False": "0", "false": "0"})


def _whole(values: pl.Series, where: Origin) -> pl.Series:
    """Casts floating numbers without a fraction to int64."""
    values = values.cast(pl.Float64).fill_nan(None)
    # The cast alone would cut a fraction off.
    result = values.cast(pl.Int64, strict=False)
    result = result.set(result.cast(pl.Float64) != values, None)
    return _checked(values, result, where, "a whole number", "Declare it numeric")


def _integers(values: pl.Series, where: Origin) -> pl.Series:
    if values.dtype == pl.String:
        parsed = values.cast(pl.Int64, strict=False)
        text = parsed.set(parsed == INT64_MIN, None).cast(pl.String)
        unparsed = parsed.is_null()
        return text.zip_with(~unparsed, values)
    if not values.dtype.is_integer():
        raise SchemaError(
            f"`{values.name}` must be a column of whole numbers, as in the training part. "
            f"Received: {values.dtype} in {where.name}. Cast it."
        )
    result = values.cast(pl.Int64, strict=False)
    return _checked(values, result, where, "within 64 signed bits", "Declare its `dtype` as string")


def _checked(
    values: pl.Series, result: pl.Series, where: Origin, rule: str, mend: str
) -> pl.Series:
    """Refuses a cast that lost a value."""
    if result.null_count() > values.null_count():
        row = int((result.is_null() & values.is_not_null()).arg_max() or 0)
        raise SchemaError(
            f"`{values.name}` must be {rule}. Received: {values[row]!r} in {where.row(row)}. "
            f"{mend}, or cast it to text."
        )
    return result
