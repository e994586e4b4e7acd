"""How a column is read: as numbers, times, categories or lists of categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ctrmoe.ranking.quality.hashing import hash_values, mix


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is read.

    Args:
        name: Its name.
        kind: `number`, `time`, `value` (a category), or `list` (of categories).
        dtype: Categories are compared as `integer` where all files hold whole numbers, else as
            `string`.
        separator: Splits text into a list.
    """

    name: str
    kind: Literal["number", "time", "value", "list"]
    dtype: Literal["string", "integer"] = "string"
    separator: str = ""

    def fits(self, dtype: pl.DataType) -> bool:
        """Whether a file's column can be read so; one that can't has changed its type."""
        if type_group(dtype) == "other":
            return False
        listed = isinstance(dtype, pl.List | pl.Array) or (
            bool(self.separator) and type_group(dtype) == "text"
        )
        return dtype == pl.Null or listed == (self.kind == "list")

    def read(self, values: pl.Series) -> pl.Series:
        """Returns float64 numbers, int64 or text categories, or lists of them; null is missing."""
        if self.kind in ("number", "time"):
            return as_numbers(values) if self.kind == "number" else as_times(values)
        if self.kind == "value":
            return _as_categories(values, self.dtype)
        if values.dtype == pl.Null:
            return values.cast(pl.List(pl.String))
        if type_group(values.dtype) == "text":
            values = _as_categories(values, "string").str.split(self.separator)
        if isinstance(values.dtype, pl.Array):
            values = values.arr.to_list()
        return values.set(values.list.len().fill_null(0) == 0, None)

    def refused(self, values: pl.Series) -> int:
        """Counts what is no category: bytes that are no UTF-8 text, and broken numbers."""
        if self.kind not in ("value", "list"):
            return 0
        if isinstance(values.dtype, pl.List | pl.Array):
            values = values.explode()
        if values.dtype == pl.Binary:
            return _undecodable(values)
        if not (values.dtype.is_float() or values.dtype.is_decimal()):
            return 0
        numbers = values.cast(pl.Float64).drop_nulls().drop_nans()
        return len(numbers.filter((numbers != numbers.floor()) | numbers.is_infinite()))

    def items(self, lists: pl.Series) -> tuple[pl.Series, np.ndarray]:
        """Returns the categories in lists that are not null, and the number of each list's."""
        kept = lists.drop_nulls()
        return _as_categories(kept.explode(), self.dtype), kept.list.len().cast(pl.Int64).to_numpy()

    def hash(self, values: pl.Series) -> np.ndarray:
        """Returns a hash of what `read` gave."""
        if self.kind != "list":
            return hash_values(values)
        items, lengths = self.items(values)
        hashes = np.zeros(len(values), np.uint64)
        if len(items):
            starts = np.cumsum(lengths) - lengths
            places = np.arange(len(items)) - np.repeat(starts, lengths)
            mixed = mix(hash_values(items) + places.astype(np.uint64))
            hashes[values.is_not_null().to_numpy()] = np.add.reduceat(mixed, starts)
        return hashes


def type_group(dtype: pl.DataType) -> str:
    """Returns `number`, `text`, `time`, `list`, `null` or `other`."""
    if dtype.is_numeric() or dtype == pl.Boolean:
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Binary):
        return "text"
    if dtype.is_temporal():
        return "time"
    if isinstance(dtype, pl.List | pl.Array):
        return "list" if not dtype.inner.is_nested() else "other"
    return "null" if dtype == pl.Null else "other"


def _undecodable(values: pl.Series) -> int:
    try:
        values.cast(pl.String)
    except pl.exceptions.ComputeError:
        return sum(not _is_text(value) for value in values.drop_nulls())
    return 0


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_numbers(values: pl.Series) -> pl.Series:
    """Casts to float64; text is parsed; what is no finite number is null."""
    if values.dtype.is_temporal():
        values = values.cast(pl.Int64)
    elif type_group(values.dtype) == "text":
        values = _as_categories(values, "string").str.strip_chars()
    parsed = values.cast(pl.Float64, strict=False).fill_nan(None)
    return parsed.set(parsed.is_infinite().fill_null(False), None)


def as_times(values: pl.Series) -> pl.Series:
    """Casts to float64: dates and text that is a date become seconds since 1970."""
    if values.dtype in (pl.Date, pl.Datetime):
        return _seconds(values.cast(pl.Datetime("us")))
    numbers = as_numbers(values)
    if values.dtype != pl.String or numbers.null_count() == values.null_count():
        return numbers
    try:
        dates = values.str.strip_chars().str.to_datetime(strict=False, time_unit="us")
    except pl.exceptions.PolarsError:  # no value of the chunk is a date of a known form
        return numbers
    return numbers.zip_with(numbers.is_not_null(), _seconds(dates))


def _seconds(times: pl.Series) -> pl.Series:
    return times.dt.replace_time_zone(None).dt.timestamp("us") / 1e6


def _as_categories(values: pl.Series, dtype: str) -> pl.Series:
    if values.dtype in (pl.Boolean, pl.Duration):
        values = values.cast(pl.Int64)
    if dtype == "integer":
        return values.cast(pl.Int64, strict=False)
    if values.dtype == pl.Binary:
        return values.bin.encode("hex")
    if values.dtype.is_float():
        values = values.fill_nan(None)
        whole = values.cast(pl.Int64, strict=False)
        text = values.cast(pl.String)
        return whole.cast(pl.String).zip_with((whole == values).fill_null(False), text)
    text = values if values.dtype == pl.String else values.cast(pl.String)
    return text.set((text == "").fill_null(False), None)
