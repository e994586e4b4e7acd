"""Bins of neighbouring values with about equal numbers of rows."""

from __future__ import annotations

import numpy as np


def bin_starts(rows: np.ndarray, bins: int) -> np.ndarray:
    """Returns the first value of each of at most so many bins.

    Where there are no more values than bins, each has one. A value with the rows of two bins, as 0
    often is, has a bin alone; what lies between such values gets the other bins by its share, and
    is divided in the same way. Elsewhere a bin starts where the share of the rows below it is
    nearest to a multiple of 1/bins.

    Args:
        rows: How many rows each value has, in the order of the values: `[values]`, or
            `[values, parts]` that are added.
        bins: How many bins there may be, at least 1.
    """
    if len(rows) <= bins:
        return np.arange(len(rows))
    if rows.ndim > 1:
        rows = np.add.reduce(list(rows.T))  # NumPy is slow in reducing a short last axis
    is_heavy = rows * bins >= 2 * max(rows.sum(), 1)
    if not is_heavy.any():
        return _equal_starts(rows, bins)
    heavy = np.flatnonzero(is_heavy)
    bounds = np.unique([0, *heavy, *(heavy + 1), len(rows)])
    spare = bins - (len(bounds) - 1)  # never negative: at most half of the bins are heavy
    light = max(rows[~is_heavy].sum(), 1)
    starts = []
    for start, end in zip(bounds[:-1], bounds[1:], strict=True):
        run = rows[start:end]
        own_bins = 1 if is_heavy[start] else 1 + int(spare * run.sum() / light)
        starts.append(start + bin_starts(run, own_bins))
    return np.concatenate(starts)


def _equal_starts(rows: np.ndarray, bins: int) -> np.ndarray:
    below = np.cumsum(rows)
    under = np.concatenate([[0], below[:-1]])
    shares = np.arange(1, bins) / bins * below[-1]
    starts = np.searchsorted((under[1:] + under[:-1]) / 2, shares)
    return np.unique([0, *starts])
