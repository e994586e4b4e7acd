"""Rows by place and label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ctrmoe.ranking.combinations.codes import JointIndex


@dataclass(frozen=True, slots=True)
class JointCounts:
    """How often each place occurs, and how often with label 1.

    Args:
        places: Those that occur, ascending.
        sizes: Rows of each.
        positives: Rows of each with label 1.
    """

    places: np.ndarray
    sizes: np.ndarray
    positives: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    @classmethod
    def of_rows(cls, index: JointIndex, labels: np.ndarray) -> JointCounts:
        """Counts rows with their labels."""
        if index.size <= len(labels):
            return cls._by_place(index, labels)
        return cls._by_sorting(index, labels)

    @classmethod
    def _by_place(cls, index: JointIndex, labels: np.ndarray) -> JointCounts:
        cells = index.places.astype(np.intp)
        cells <<= 1
        cells |= labels
        counts = np.bincount(cells, minlength=2 * index.size)
        negatives, positives = counts[::2], counts[1::2]
        sizes = negatives + positives
        present = np.flatnonzero(sizes)
        return cls(present.astype(np.uint64), sizes[present], positives[present])

    @classmethod
    def _by_sorting(cls, index: JointIndex, labels: np.ndarray) -> JointCounts:
        one = index.places.dtype.type(1)
        cells = index.places << one
        cells |= labels
        cells.sort()
        starts = _starts(cells)
        runs, cells = np.diff(starts, append=len(cells)), cells[starts]
        places = cells >> one
        first = _starts(places)
        last = np.append(first[1:], len(cells)) - 1
        positives = np.where(cells[last] & one, runs[last], 0)
        return cls(
            places[first], np.where(first == last, runs[last], runs[first] + runs[last]), positives
        )


def place_sizes(index: JointIndex) -> np.ndarray:
    """Returns the rows of each place that occurs."""
    if index.size <= len(index.places):
        sizes = np.bincount(index.places.astype(np.intp))
        return sizes[sizes > 0]
    places = np.sort(index.places)
    return np.diff(_starts(places), append=len(places))


def _starts(ascending: np.ndarray) -> np.ndarray:
    edges = np.empty(len(ascending), bool)
    edges[:1] = True
    np.not_equal(ascending[1:], ascending[:-1], out=edges[1:])
    return np.flatnonzero(edges)
