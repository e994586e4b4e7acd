"""Counts by key in bounded memory, the same whatever the chunks and however they are merged."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import polars as pl

from ctrmoe.ranking.quality.cardinality import RELATIVE_ERROR, Cardinality

KEY, ROWS, FIRST, VALUE = "_key", "_rows", "_first", "_value"
"""Columns: the key, its rows, the number of the first of them, its value as text."""

_EMPTY = pl.DataFrame(schema={KEY: pl.UInt64, ROWS: pl.Int64, FIRST: pl.UInt64})


class Counts(ABC):
    """Counts of rows by a 64-bit key; exact up to `limit` keys, above that by a coarser key.

    A child says how `level` makes keys coarser. The level is the smallest one at which no more than
    `limit` keys are left, so the table depends on the rows alone, not on their order.

    Args:
        limit: Most keys that are kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._level = 0
        self._parts: list[pl.DataFrame] = []
        self._height = 0
        self._cardinality: Cardinality | None = None

    @staticmethod
    @abstractmethod
    def coarsen(table: pl.DataFrame, level: int) -> pl.DataFrame:
        """Returns the rows that are left at a level, with the keys that they then have."""

    @staticmethod
    @abstractmethod
    def level_for(keys: np.ndarray, limit: int) -> int:
        """Returns the lowest level that leaves `limit` of more keys, given in ascending order."""

    def update(self, rows: pl.DataFrame) -> None:
        """Counts rows.

        Args:
            rows: `_key`, `_first` and, optionally, `_value`; all other columns are summed.
        """
        if self._cardinality:
            self._cardinality.update(rows[KEY].unique().to_numpy())
        counted = rows.with_columns(pl.lit(1, pl.Int64).alias(ROWS))
        self._add(_grouped(self.coarsen(counted, self._level)))

    def merge(self, other: Counts) -> None:
        """Adds the counts of another part of the table."""
        mine, its = self.table(), other.table()
        if other._cardinality and not self._cardinality:
            self._start(mine)
        elif self._cardinality and not other._cardinality:
            self._cardinality.update(its[KEY].to_numpy())
        if other._cardinality and self._cardinality:
            self._cardinality.merge(other._cardinality)
        self._level = max(self._level, other.level)
        parts = [self.coarsen(part, self._level) for part in (mine, its) if part.height]
        self._parts = [_grouped(part) for part in parts]
        self._compact()

    def table(self) -> pl.DataFrame:
        """Returns the counts, sorted by key."""
        self._compact()
        return self._parts[0] if self._parts else _EMPTY

    def at(self, level: int) -> pl.DataFrame:
        """Returns the counts at a level that is not below its own, sorted by key."""
        return _grouped(self.coarsen(self.table(), level)).sort(KEY)

    @property
    def level(self) -> int:
        """How coarse the keys are; 0 means exact."""
        self._compact()
        return self._level

    @property
    def distinct(self) -> int:
        """The number of distinct keys: exact at level 0, else an estimate."""
        return self._cardinality.estimate() if self._cardinality else self.table().height

    @property
    def distinct_error(self) -> float:
        """Standard error of `distinct`, relative to it."""
        return RELATIVE_ERROR if self._cardinality else 0.0

    def _add(self, part: pl.DataFrame) -> None:
        self._parts.append(part)
        self._height += part.height
        # Compacting when as much again has come in keeps the cost per row constant.
        if self._height > 2 * self.limit:
            self._compact()

    def _compact(self) -> None:
        if not self._parts:
            return
        table = _grouped(pl.concat(self._parts))
        if table.height > self.limit:
            if not self._cardinality:
                self._start(table)
            keys = np.sort(table[KEY].to_numpy())
            self._level = max(self._level, self.level_for(keys, self.limit))
            table = _grouped(self.coarsen(table, self._level))
        self._parts = [table.sort(KEY)]
        self._height = table.height

    def _start(self, table: pl.DataFrame) -> None:
        self._cardinality = Cardinality()
        if table.height:
            self._cardinality.update(table[KEY].to_numpy())


class ValueCounts(Counts):
    """Counts by hash: at level l of the values whose hash is below 2^(64 - l), exactly.

    Such a share of 2^-l of all values is a sample that every table takes alike: two tables can be
    compared value by value at the higher of their levels.

    Reference: Flajolet, "On adaptive sampling", 1990.
    """

    @staticmethod
    def coarsen(table: pl.DataFrame, level: int) -> pl.DataFrame:
        """Keeps the smallest hashes."""
        if not level:
            return table
        return table.filter(table[KEY] < pl.lit(2 ** (64 - level), pl.UInt64))

    @staticmethod
    def level_for(keys: np.ndarray, limit: int) -> int:
        """Returns the level at which the key after the last one that may stay is left out."""
        return 65 - int(keys[limit]).bit_length()


class NumberCounts(Counts):
    """Counts by number: at level l of bins of 2^l neighbouring numbers of 64 bits, of all rows."""

    @staticmethod
    def coarsen(table: pl.DataFrame, level: int) -> pl.DataFrame:
        """Replaces each key by the least one of its bin."""
        if not level:
            return table
        keys = (table[KEY].to_numpy() >> np.uint64(level)) << np.uint64(level)
        return table.with_columns(pl.Series(KEY, keys))

    @staticmethod
    def level_for(keys: np.ndarray, limit: int) -> int:
        """Returns the level at which all but `limit - 1` pairs of neighbours share a bin."""
        # Two keys share the bins of all levels above the highest bit in which they differ.
        differences = keys[1:] ^ keys[:-1]
        last = len(differences) - limit
        return int(np.partition(differences, last)[last]).bit_length()


def number_keys(numbers: np.ndarray) -> np.ndarray:
    """Maps float64 numbers to uint64 keys of the same order."""
    bits = (numbers + 0.0).view(np.uint64)
    sign = np.uint64(1 << 63)
    keys: np.ndarray = np.where(bits & sign, ~bits, bits | sign)
    return keys


def key_numbers(keys: np.ndarray) -> np.ndarray:
    """Inverts `number_keys`."""
    sign = np.uint64(1 << 63)
    bits = np.where(keys & sign, keys & ~sign, ~keys)
    return bits.view(np.float64)


def _grouped(table: pl.DataFrame) -> pl.DataFrame:
    sums = [name for name in table.columns if name not in (KEY, FIRST, VALUE)]
    columns = [pl.col(sums).sum(), pl.col(FIRST).min()]
    if VALUE in table.columns:
        columns.append(pl.col(VALUE).first())
    return table.group_by(KEY).agg(columns)
