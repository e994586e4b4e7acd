"""Counts of categories and of rows, by their hash."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.ranking.quality.counts import KEY, Counts


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
