"""64-bit hashes of values, of rows and of whole columns, the same in every chunk."""

from __future__ import annotations

import numpy as np
import polars as pl


def mix(keys: np.ndarray) -> np.ndarray:
    """Spreads uint64 keys over all 64 bits, one to one.

    Reference: The finalizer of Steele, Lea and Flood's SplitMix64, 2014.
    """
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = keys ^ (keys >> np.uint64(31))
    return mixed


def row_numbers(first: int, count: int) -> np.ndarray:
    """Returns a hash of each row's number in the whole table."""
    return mix(np.arange(first + 1, first + count + 1, dtype=np.uint64))


def hash_values(values: pl.Series) -> np.ndarray:
    """Returns a hash of each value; missing ones share one."""
    if values.dtype.is_float():
        values = values + 0.0  # -0.0 equals 0.0
    return mix(values.hash().to_numpy())


def name_hash(name: str) -> np.uint64:
    """Returns an odd number that belongs to a column's name."""
    return np.uint64(hash_values(pl.Series([name]))[0] | np.uint64(1))


def fingerprint(hashes: np.ndarray, rows: np.ndarray) -> int:
    """Returns what identifies a chunk of a column: those of all chunks add up modulo 2^64.

    Args:
        hashes: Of the values.
        rows: What `row_numbers` gives.
    """
    return int(mix(hashes ^ rows).sum(dtype=np.uint64))
