"""Counts of the values of a feature in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ctrmoe.ranking.distinct_sketch import SKETCH_SIZE, DistinctSketch
from ctrmoe.ranking.keys import mixed
from ctrmoe.ranking.tally import CELLS, Tally, joined

BYTES_PER_VALUE = 2 * 8 * (1 + CELLS)
"""A key and its counts, twice: what waits to be joined is no larger than what is joined."""
_MIN_PENDING = 1 << 16


class ValueCounts:
    """Counts exactly up to `max_values` distinct keys, and coarsens the keys above that.

    Ordered keys lose their lowest bits, one at a time, until so many are left; the others are
    hashed into `max_values` buckets. What results depends neither on the order of the rows nor on
    how they were divided: the distinct keys of a part never need a coarser level than all of them.

    Args:
        ordered: Whether close keys stand for similar values.
        max_values: A power of two.
        sketch_size: Of the estimate of the distinct keys.
    """

    def __init__(self, ordered: bool, max_values: int, sketch_size: int = SKETCH_SIZE) -> None:
        self.level = 0
        """How often the keys were coarsened: bits cut off, or 1 for buckets."""
        self._ordered = ordered
        self._max_values = max_values
        self._min_pending = min(_MIN_PENDING, max_values)
        self._counts = Tally.empty()
        self._pending: list[Tally] = []
        self._sketch = DistinctSketch(sketch_size)

    def add(self, keys: np.ndarray, cells: np.ndarray) -> None:
        """Counts one row a key."""
        if self.level:
            self._sketch.add(keys)
        self._put(Tally.of_rows(self._coarse(keys, 0), cells))

    def add_counts(self, counts: Tally) -> None:
        """Adds the counts of other rows, of keys that were not coarsened."""
        if self.level:
            self._sketch.add(counts.keys)
        self._put(Tally(self._coarse(counts.keys, 0), counts.counts))

    def merge(self, other: ValueCounts) -> None:
        """Adds counts of other rows."""
        theirs = other.settled()
        while self.level < other.level:
            self._coarsen()
        if self.level and not other.level:
            self._sketch.add(theirs.keys)
        self._sketch.merge(other._sketch)
        self._put(Tally(self._coarse(theirs.keys, other.level), theirs.counts))

    def settled(self) -> Tally:
        """Returns all counts."""
        if self._pending:
            self._counts = joined([self._counts, *self._pending])
            self._pending = []
            while len(self._counts) > self._max_values:
                self._coarsen()
        return self._counts

    def coarsener(self) -> Callable[[np.ndarray], np.ndarray]:
        """Returns what makes keys those of `settled`; it does not hold the counts."""
        self.settled()
        rule = ValueCounts(self._ordered, self._max_values)
        rule.level = self.level
        return lambda keys: rule._coarse(keys, 0)

    @property
    def distinct(self) -> int:
        """Number of distinct keys before any coarsening, by a sketch if there was some."""
        exact = len(self.settled())
        return self._sketch.estimate() if self.level else exact

    def coarse(self, keys: np.ndarray) -> np.ndarray:
        """Returns the keys under which such keys are counted."""
        return self._coarse(keys, 0)

    def _put(self, part: Tally) -> None:
        self._pending.append(part)
        if sum(map(len, self._pending)) > max(len(self._counts), self._min_pending):
            self.settled()

    def _coarsen(self) -> None:
        parts = [self._counts, *self._pending]
        if not self.level:
            for part in parts:
                self._sketch.add(part.keys)
        before, self.level = self.level, self.level + 1
        self._counts = joined([Tally(self._coarse(p.keys, before), p.counts) for p in parts])
        self._pending = []

    def _coarse(self, keys: np.ndarray, level: int) -> np.ndarray:
        """Brings keys of a level to the present one."""
        if level == self.level:
            return keys
        if self._ordered:
            return keys >> (self.level - level)
        bits = self._max_values.bit_length() - 1
        return (mixed(keys) >> np.uint64(64 - bits)).astype(np.int64)
