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
            rows: `_key`, `_first` and, optionally, `_value` of any type; all other columns are
                summed.
        """
        if self._cardinality:
            self._cardinality.update(rows[KEY].unique().to_numpy())
        counted = rows.with_columns(pl.lit(1, pl.Int64).alias(ROWS))
        part = _grouped(self.coarsen(counted, self._level))
        # Text only of what is left: to cast every row would cost as much as to count it.
        self._add(
            part.with_columns(pl.col(VALUE).cast(pl.String)) if VALUE in part.columns else part
        )

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


def _grouped(table: pl.DataFrame) -> pl.DataFrame:
    sums = [name for name in table.columns if name not in (KEY, FIRST, VALUE)]
    columns = [pl.col(sums).sum(), pl.col(FIRST).min()]
    if VALUE in table.columns:
        columns.append(pl.col(VALUE).first())
    return table.group_by(KEY).agg(columns)
