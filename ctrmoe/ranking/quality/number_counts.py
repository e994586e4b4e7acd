"""Counts of numbers, in bins that widen as they become many."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.ranking.quality.counts import KEY, Counts


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
