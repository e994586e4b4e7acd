"""An estimate of the number of distinct keys that can be merged."""

from __future__ import annotations

import numpy as np

from ctrmoe.ranking.keys import mixed

SKETCH_SIZE = 1 << 16


class DistinctSketch:
    """Counts distinct keys by the `size` smallest of their hashes.

    With the k-th smallest of hashes spread over [0, 1) at h, about (k - 1) / h keys are distinct;
    the standard error is 1/sqrt(k - 2), 0.4 % for 65,536. Up to k distinct keys the count is exact.

    It is an array: a chunk is added at the speed of NumPy, where a sketch that takes one value at
    a time would cost more than all the counting.

    Args:
        size: Most hashes that are kept.

    Reference:
        Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan, 2002, "Counting distinct elements in a data
        stream", algorithm 2 (the k minimum values).
    """

    def __init__(self, size: int = SKETCH_SIZE) -> None:
        self._size = size
        self._hashes = np.zeros(0, np.uint64)

    def add(self, keys: np.ndarray) -> None:
        """Adds keys."""
        self._add_hashes(mixed(keys))

    def merge(self, other: DistinctSketch) -> None:
        """Adds the keys of another sketch."""
        self._add_hashes(other._hashes)

    def estimate(self) -> int:
        """Returns the number of distinct keys."""
        if len(self._hashes) < self._size:
            return len(self._hashes)
        return round((self._size - 1) / (float(self._hashes[-1]) / 2.0**64))

    def _add_hashes(self, hashes: np.ndarray) -> None:
        if len(self._hashes) == self._size:
            hashes = hashes[hashes < self._hashes[-1]]
        if len(hashes):
            # `np.unique` is ten times slower: it builds a hash table.
            every = np.sort(np.concatenate([self._hashes, hashes]))
            distinct = np.concatenate([[True], every[1:] != every[:-1]])
            self._hashes = every[distinct][: self._size]
