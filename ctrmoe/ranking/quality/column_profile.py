"""What one column of a table holds, counted chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from ctrmoe.ranking.quality.column import Column
from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS, VALUE, Counts
from ctrmoe.ranking.quality.hashing import fingerprint, hash_values, row_numbers
from ctrmoe.ranking.quality.number_counts import NumberCounts, key_numbers, number_keys
from ctrmoe.ranking.quality.value_counts import ValueCounts

BUCKETS = 1 << 16
MAX_KEYS = 1 << 16
RARE_ROWS = 5
"""A value in fewer rows is rare."""


class ColumnProfile:
    """Counts of one column.

    Args:
        column: How it is read.
        max_keys: Most values, or bins of numbers, that are counted one by one.
    """

    def __init__(self, column: Column, max_keys: int = MAX_KEYS) -> None:
        self.column = column
        self.rows = 0
        self.missing = 0
        self.refused = 0
        """Values that are no category, as `Column.refused` counts them."""
        self.fingerprint = 0
        self.by_file: dict[int, tuple[int, int]] = {}
        """Rows and missing ones, by the number of the first row of the file."""
        self.missing_counts: dict[str, int] = {}
        """Rows without a value, by the names of the masks."""
        self.counts: Counts = (
            NumberCounts(max_keys) if column.kind == "number" else ValueCounts(max_keys)
        )
        self.buckets = np.zeros(0 if column.kind == "number" else BUCKETS, np.int64)
        """Rows, or items of lists, by the last bits of their hash."""

    def update(self, values: pl.Series, masks: pl.DataFrame, file: int) -> np.ndarray:
        """Counts a chunk.

        Args:
            values: What `column.read` gives.
            masks: Rows' numbers and classes, as `label_counts.masks` gives.
            file: Number of the first row of the file.

        Returns:
            A hash of each row's value.
        """
        hashes = self.column.hash(values)
        present = values.is_not_null()
        missing = len(values) - int(present.sum())
        rows_of_file, missing_of_file = self.by_file.get(file, (0, 0))
        self.by_file[file] = (rows_of_file + len(values), missing_of_file + missing)
        self.rows += len(values)
        self.missing += missing
        first = int(masks[FIRST][0]) if len(masks) else 0
        numbers = row_numbers(first, len(values))
        self.fingerprint = (self.fingerprint + fingerprint(hashes, numbers)) % 2**64
        if missing:
            self._add_missing(masks.filter(~present))
        self._count(values, hashes, present, masks)
        return hashes

    def merge(self, other: ColumnProfile) -> None:
        """Adds the counts of another part of the table."""
        self.rows += other.rows
        self.missing += other.missing
        self.refused += other.refused
        self.fingerprint = (self.fingerprint + other.fingerprint) % 2**64
        for file, (rows, missing) in other.by_file.items():
            mine = self.by_file.get(file, (0, 0))
            self.by_file[file] = (mine[0] + rows, mine[1] + missing)
        for name, count in other.missing_counts.items():
            self.missing_counts[name] = self.missing_counts.get(name, 0) + count
        self.counts.merge(other.counts)
        self.buckets += other.buckets

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return self.rows - self.missing

    @property
    def missing_share(self) -> float:
        """Share of the rows that are missing."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def most_frequent(self) -> tuple[str | None, float]:
        """The most frequent value, None if missing, empty if not known, and its share."""
        table = self.counts.table()
        if not table.height:
            return None, self.missing_share
        if self.column.kind != "number" and self.counts.level:
            # The table holds some of the values only, the buckets all of them.
            return "", max(self.missing, int(self.buckets.max())) / max(self._entries, 1)
        index = int(table[ROWS].arg_max() or 0)
        rows = int(table[ROWS][index])
        if self.missing >= rows:
            return None, self.missing / self._entries
        return self._text(table, index), rows / self._entries

    @property
    def rare_share(self) -> float:
        """Share of the rows that have a value whose value is rare, estimated at a level above 0."""
        rows = self.counts.table()[ROWS].to_numpy() if self.present else np.zeros(0)
        return float(rows[rows < RARE_ROWS].sum() / max(rows.sum(), 1))

    @property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Ascending numbers, or the least of their bins, and their rows."""
        table = self.counts.table()
        if not table.height:
            return np.zeros(0), np.zeros(0, np.int64)
        return key_numbers(table[KEY].to_numpy()), table[ROWS].to_numpy()

    def quantiles(self, shares: Sequence[float]) -> list[float | None]:
        """Returns the numbers below which such shares of them lie."""
        numbers, rows = self.numbers
        if not len(numbers):
            return [None] * len(shares)
        below = np.cumsum(rows)
        places = np.searchsorted(below, np.asarray(shares) * below[-1])
        chosen: list[float | None] = numbers[np.minimum(places, len(numbers) - 1)].tolist()
        return chosen

    @property
    def _entries(self) -> int:
        """Missing rows, and values: those of a list one by one."""
        values = self.present if self.column.kind == "number" else int(self.buckets.sum())
        return self.missing + values

    def _text(self, table: pl.DataFrame, index: int) -> str:
        if self.column.kind == "number":
            return f"{key_numbers(table[KEY].to_numpy()[index : index + 1])[0]:g}"
        return str(table[VALUE][index])

    def _add_missing(self, masks: pl.DataFrame) -> None:
        for name in masks.columns:
            if name != FIRST:
                self.missing_counts[name] = self.missing_counts.get(name, 0) + int(
                    masks[name].cast(pl.Int64).sum()
                )

    def _count(
        self, values: pl.Series, hashes: np.ndarray, present: pl.Series, masks: pl.DataFrame
    ) -> None:
        if self.column.kind == "list":
            items, lengths = self.column.items(values)
            # The label belongs to the row: only the items are counted.
            masks = masks.select(FIRST).filter(present)[np.repeat(np.arange(len(lengths)), lengths)]
            values, present = items, items.is_not_null()
            hashes = hash_values(items)
        kept = values.filter(present)
        rows = masks.filter(present)
        if self.column.kind == "number":
            keys = number_keys(kept.to_numpy())
        else:
            keys = hashes[present.to_numpy()]
            self.buckets += np.bincount(keys & np.uint64(BUCKETS - 1), minlength=BUCKETS)
            rows = rows.with_columns(kept.alias(VALUE))
        self.counts.update(rows.with_columns(pl.Series(KEY, keys, pl.UInt64)))
