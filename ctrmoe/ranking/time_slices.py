"""The rows of a table by time."""

from __future__ import annotations

import logging
from typing import ClassVar

import numpy as np
import polars as pl

from ctrmoe.data.parquet import CHUNK_ROWS, read_files
from ctrmoe.data.sources import Origin, SourceFile
from ctrmoe.ranking.parts import Parts
from ctrmoe.ranking.quality.column import as_times, type_group
from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS
from ctrmoe.ranking.quality.number_counts import NumberCounts, key_numbers, number_keys
from ctrmoe.ranking.stability import stability, with_agreement
from ctrmoe.schema import Schema, SchemaError

logger = logging.getLogger(__name__)
MAX_TIMES = 1 << 18


class TimeSlices(Parts):
    """Divides rows by time.

    Args:
        column: The column of the time.
        first_times: The first time of each slice, ascending: seconds since 1970 of dates, numbers
            as they are. Earlier rows belong to the first slice, rows without a time to none.
        last_times: The last time of each slice.
    """

    kind: ClassVar[str] = "slice"

    def __init__(self, column: str, first_times: np.ndarray, last_times: np.ndarray) -> None:
        columns = {"first_time": first_times, "last_time": last_times}
        table = pl.DataFrame({"slice": np.arange(len(first_times)), **columns})
        super().__init__(column, table)

    def assign(self, frame: pl.DataFrame, where: Origin) -> np.ndarray:
        """Returns the number of each row's slice, -1 for a row without a time."""
        times = _times(frame[self.column], where)
        later_slices = self.table["first_time"].to_numpy()[1:]
        slices = np.searchsorted(later_slices, times.fill_null(0.0).to_numpy(), side="right")
        return np.where(times.is_null().to_numpy(), -1, slices)

    def compared(self, by_part: pl.DataFrame, level: float) -> dict[str, pl.DataFrame]:
        """Returns `by_time` and `stability`."""
        return {"by_time": with_agreement(by_part), "stability": stability(by_part, level)}


def find_time_slices(
    files: list[SourceFile], schema: Schema, count: int, chunk_rows: int = CHUNK_ROWS
) -> TimeSlices:
    """Reads the column of the time and divides it into slices of equal rows.

    Equal times stay together. Of more than `MAX_TIMES` distinct times neighbours are taken together
    too, so that memory is bounded.

    Raises:
        SchemaError: When `count` is too low, or the schema names no timestamp, or there are fewer
            times than slices.
    """
    if count < 2:
        raise SchemaError(f"`time_slices` must be at least 2. Received: {count}.")
    if not schema.timestamp:
        raise SchemaError(
            "`timestamp` must be named in the schema to rank over time. Received: none. Add it: "
            "the column with the time of a row."
        )
    counts = _counts(files, schema, chunk_rows).table()
    times, rows = key_numbers(counts[KEY].to_numpy()), _rows(counts)
    slices = np.floor((np.cumsum(rows) - rows / 2) * count / max(rows.sum(), 1)).astype(int)
    first = np.flatnonzero(np.diff(slices, prepend=-1))
    if len(first) < count:
        raise SchemaError(
            f"Timestamp `{schema.timestamp}` must have times for {count} slices of equal rows. "
            f"Received: enough for {len(first)}. Ask for fewer `time_slices`."
        )
    last = np.append(first[1:], len(times)) - 1
    return TimeSlices(schema.timestamp, times[first], times[last])


def _times(values: pl.Series, where: Origin) -> pl.Series:
    if type_group(values.dtype) in ("list", "other"):
        raise SchemaError(
            f"Timestamp `{values.name}` must hold times, numbers or text. Received: "
            f"{values.dtype} in {where.name}. Name another column."
        )
    return as_times(values)


def _rows(counts: pl.DataFrame) -> np.ndarray:
    return counts[ROWS].to_numpy() if counts.height else np.zeros(0, np.int64)


def _counts(files: list[SourceFile], schema: Schema, chunk_rows: int) -> NumberCounts:
    counts = NumberCounts(MAX_TIMES)
    missing = 0
    for frame, where, _ in read_files(files, [schema.timestamp], schema, chunk_rows):
        times = _times(frame[schema.timestamp], where).drop_nulls()
        missing += len(frame) - len(times)
        keys = pl.Series(KEY, number_keys(times.to_numpy()), pl.UInt64)
        first = pl.lit(0, pl.UInt64).alias(FIRST)
        counts.update(pl.DataFrame([keys]).with_columns(first))
    if missing:
        logger.warning("%s rows without a time are in no ranking over time.", f"{missing:,}")
    return counts
