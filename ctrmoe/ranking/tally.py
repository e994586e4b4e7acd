"""Counts of keys by label: made of the rows of a chunk, joined with those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CELLS = 4
"""Two folds by two labels."""
_CELL_BITS = 2
_DENSE_SPAN = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each key comes with each cell.

    Args:
        keys: int64, ascending, each once.
        counts: int64 `[keys, CELLS]`.
    """

    keys: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls) -> Tally:
        """Counts of no rows."""
        return cls(np.zeros(0, np.int64), np.zeros((0, CELLS), np.int64))

    @classmethod
    def of_rows(cls, keys: np.ndarray, cells: np.ndarray) -> Tally:
        """Counts the rows of a chunk; `keys` lie within 61 bits and their sign."""
        if not len(keys):
            return cls.empty()
        low, span = int(keys.min()), int(keys.max()) - int(keys.min()) + 1
        # Counting by place costs the span, sorting about 10 ns a row.
        if span <= _DENSE_SPAN * len(keys):
            places = ((keys - low) << _CELL_BITS) + cells
            dense = np.bincount(places, minlength=span * CELLS).reshape(span, CELLS)
            # Bit by bit: NumPy is slow in reducing a short axis.
            present = np.flatnonzero(dense[:, 0] | dense[:, 1] | dense[:, 2] | dense[:, 3])
            return cls(present + low, dense[present])
        return cls._by_sorting((keys << _CELL_BITS) + cells)

    @classmethod
    def _by_sorting(cls, places: np.ndarray) -> Tally:
        places.sort()
        starts = _starts(places)
        sizes = np.diff(starts, append=len(places))
        places = places[starts]
        keys = places >> _CELL_BITS
        first = _starts(keys)
        counts = np.zeros((len(first), CELLS), np.int64)
        index = np.repeat(np.arange(len(first)), np.diff(first, append=len(keys)))
        counts[index, places & (CELLS - 1)] = sizes
        return cls(keys[first], counts)


def joined(tallies: Sequence[Tally]) -> Tally:
    """Adds up counts; the keys of a tally need not be ascending or distinct."""
    if not tallies:
        return Tally.empty()
    keys = np.concatenate([tally.keys for tally in tallies])
    counts = np.concatenate([tally.counts for tally in tallies])
    order = np.argsort(keys, kind="stable")  # merges ascending runs in linear time
    keys = keys[order]
    starts = _starts(keys)
    return Tally(keys[starts], np.add.reduceat(counts[order], starts)) if len(keys) else tallies[0]


def _starts(ascending: np.ndarray) -> np.ndarray:
    """Returns the place of the first of each run of equal values."""
    return np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
