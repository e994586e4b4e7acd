"""Which part a row of the training files belongs to."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from ctrmoe.data.parquet import CHUNK_ROWS, read_files
from ctrmoe.data.sources import SourceFile
from ctrmoe.schema import Schema, SchemaError

PARTS = ("train", "valid", "test")
ORDERED_TEXT = r"^\d{4}[-/.]\d{2}($|[-/.]\d{2}($|\D))"


class Split(Protocol):
    """Divides rows among the parts."""

    columns: tuple[str, ...]
    """Columns that it reads."""
    parts: tuple[str, ...]
    """The parts that rows are divided among."""

    def assign(self, frame: pl.DataFrame, first_row: int) -> np.ndarray:
        """Returns the number of each row's part; `first_row` rows came before the chunk."""


class RandomSplit:
    """Divides rows by a hash of the seed and their number among all rows.

    Args:
        fractions: Of the parts; they add up to 1.
        seed: Another seed, another division.
    """

    columns: tuple[str, ...] = ()

    def __init__(self, fractions: tuple[float, ...], seed: int) -> None:
        self.parts = PARTS[: len(fractions)]
        self._bounds = np.cumsum(fractions)[:-1]
        self._seed = np.uint64(seed % 2**64)

    def assign(self, frame: pl.DataFrame, first_row: int) -> np.ndarray:
        """Returns the number of each row's part."""
        numbers = np.arange(first_row, first_row + len(frame), dtype=np.uint64)
        shares = _mix(_mix(np.full(1, self._seed)) ^ _mix(numbers)) / 2.0**64
        return np.searchsorted(self._bounds, shares, side="right")


class TimeSplit:
    """Divides rows by time: training is the oldest part; equal times stay together.

    Args:
        fractions: Of the parts; they add up to 1.
        column: The column of the time: a number, a date, or text of numbers or like 2026-03-01.
        sources: The files that are divided; the column is read once to find the bounds.
        schema: Of the files.

    Raises:
        SchemaError: When the column tells no order, or has too few moments for every part.
    """

    def __init__(
        self,
        fractions: tuple[float, ...],
        column: str,
        sources: list[SourceFile],
        schema: Schema,
    ) -> None:
        self.parts = PARTS[: len(fractions)]
        self.columns = (column,)
        table = _count_times(column, sources, schema)
        _check_order(table["time"].alias(column))
        is_text_of_numbers = table["time"].dtype == pl.String and _are_numbers(table["time"])
        self._dtype = pl.Float64() if is_text_of_numbers else table["time"].dtype
        table = table.with_columns(pl.col("time").cast(self._dtype)).sort("time")
        below = table["count"].cum_sum().to_numpy()
        # 0.8 + 0.1 is a little more than 0.9.
        wanted = np.ceil(np.cumsum(fractions)[:-1] * below[-1] - 1e-6)
        last = np.searchsorted(below, wanted)
        if len({*last, len(below) - 1}) < len(fractions):
            raise SchemaError(
                f"`split` by time must leave rows for all of {', '.join(self.parts)}. Received: "
                f"fractions {', '.join(map(str, fractions))} of {len(below)} different values of "
                f"`{column}`, which stay together. Take other fractions or a finer column, or give "
                "the parts as files."
            )
        self._bounds = table["time"].gather(last)

    def assign(self, frame: pl.DataFrame, first_row: int) -> np.ndarray:
        """Returns the number of each row's part."""
        times = frame[self.columns[0]].cast(self._dtype)
        parts = np.zeros(len(frame), np.int64)
        for bound in self._bounds:
            parts += (times > bound).to_numpy()
        return parts


def parse_split(
    text: str, seed: int, sources: list[SourceFile], schema: Schema
) -> RandomSplit | TimeSplit:
    """Makes the split that `--split` describes, such as `random:0.8,0.1,0.1`.

    Raises:
        SchemaError: When the text is no split, or the schema names no timestamp to split by.
    """
    kind, _, rest = text.partition(":")
    try:
        fractions = tuple(float(part) for part in rest.split(","))
    except ValueError:
        fractions = ()
    valid = len(fractions) in (2, 3) and min(fractions) > 0 and abs(sum(fractions) - 1) < 1e-6
    if kind not in ("random", "time") or not valid:
        raise SchemaError(
            "`split` must be random: or time: and two or three fractions that add up to 1, such "
            f"as random:0.8,0.1,0.1. Received: {text!r}."
        )
    if kind == "random":
        return RandomSplit(fractions, seed)
    if not schema.timestamp:
        raise SchemaError(
            "`split` by time needs `timestamp` in the schema, the column to order rows by. "
            f"Received: split={text!r}."
        )
    return TimeSplit(fractions, schema.timestamp, sources, schema)


def _count_times(column: str, sources: list[SourceFile], schema: Schema) -> pl.DataFrame:
    """Returns the columns `time` and `count`, in no particular order."""
    parts: list[pl.DataFrame] = []
    merged = 0
    for frame, where, _ in read_files(sources, [column], schema, CHUNK_ROWS):
        times = frame[column].alias("time")
        missing = times.is_null() | (times.is_nan() if times.dtype.is_float() else False)
        if missing.any():
            raise SchemaError(
                f"Timestamp `{column}` must not be missing. Received: none in "
                f"{where.row(missing.arg_max() or 0)}. Fill it in or leave the row out."
            )
        parts.append(times.value_counts(name="count"))
        # Memory follows the number of distinct times, not of rows.
        if sum(map(len, parts)) > 2 * merged + CHUNK_ROWS:
            parts = [_summed(parts, column)]
            merged = len(parts[0])
    if not merged and not any(map(len, parts)):
        raise SchemaError("The files to split must have rows. Received: none.")
    return _summed(parts, column)


def _check_order(times: pl.Series) -> None:
    """Refuses values of which the greater one is not the later one."""
    rule = f"Timestamp `{times.name}` must be a number, a date, or text that starts like 2026-03-01"
    dtype = times.dtype
    if not (dtype.is_numeric() or dtype.is_temporal() or dtype == pl.String):
        raise SchemaError(f"{rule}. Received: a column of {dtype}. Cast it.")
    if dtype == pl.String and not _are_numbers(times):
        unordered = times.filter(~times.str.contains(ORDERED_TEXT))
        if len(unordered):
            raise SchemaError(f"{rule}. Received: {unordered.min()!r}. Write it in that form.")


def _summed(parts: list[pl.DataFrame], column: str) -> pl.DataFrame:
    types = {str(part["time"].dtype) for part in parts}
    if "String" in types and len(types) > 1:
        raise SchemaError(
            f"Timestamp `{column}` must have one type in all files. Received: "
            f"{', '.join(sorted(types))}. Cast it."
        )
    table = pl.concat(parts, how="vertical_relaxed")
    return table.group_by("time").agg(pl.col("count").sum())


def _are_numbers(times: pl.Series) -> bool:
    return not times.cast(pl.Float64, strict=False).null_count()


def _mix(numbers: np.ndarray) -> np.ndarray:
    """Returns SplitMix64's mixing of uint64 numbers (Steele, Lea and Flood, 2014)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
