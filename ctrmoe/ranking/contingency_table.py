"""Counts of a feature's values by label."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from ctrmoe.data.bins import bin_starts
from ctrmoe.ranking.distinct_sketch import SKETCH_SIZE
from ctrmoe.ranking.encoder import Encoder
from ctrmoe.ranking.keys import MISSING_KEY, Keys, number_keys, number_of
from ctrmoe.ranking.tally import CELLS, Tally
from ctrmoe.ranking.value_counts import ValueCounts

FOLDS, CLASSES = 2, 2


class ContingencyTable:
    """How often each value of a feature comes with each label: all that the scores read.

    Counts are exact up to `max_values` distinct values. Above that, categories are hashed into
    `max_values` buckets (of D values in M buckets, one shares its bucket with a probability of
    1 - (1 - 1/M)^(D - 1)), and numbers are rounded to as many bits as leave no more values (for
    2^18, a relative error of 2^-10 at worst). Both only coarsen the feature: its mutual
    information is at most that of the values, and noise stays noise.

    A table is the same whatever the order of the rows, the chunks and the merges.

    Args:
        kind: `category`, `number` or `list`: a row of a list counts for each of its values.
        max_values: Most distinct values counted one by one; a power of two.
        buckets: Into how many bins of equal counts the scores divide a number.
        ordered: Whether the order of a category's keys means something, as of whole numbers.
        sketch_size: Hashes that are kept to estimate the number of more distinct values.
    """

    def __init__(
        self,
        kind: Literal["category", "number", "list"] = "category",
        max_values: int = 1 << 18,
        buckets: int = 32,
        ordered: bool = False,
        sketch_size: int = SKETCH_SIZE,
    ) -> None:
        self.kind = kind
        self._ordered = ordered
        self.rows = np.zeros((FOLDS, CLASSES), np.int64)
        """Rows with a label, by fold and label."""
        self._buckets, self._max_values = buckets, max_values
        self._mapped: _Mapped | None = None
        self._values = ValueCounts(kind == "number", max_values, sketch_size)
        self._missing = np.zeros(CELLS, np.int64)
        self._lengths = np.zeros(2)

    @classmethod
    def of_counts(cls, counts: np.ndarray) -> ContingencyTable:
        """Makes a table of counts that are known.

        Args:
            counts: Rows by category, fold and label `[categories, folds, classes]`.
        """
        table = cls(max_values=1 << max(len(counts) - 1, 0).bit_length())
        table.rows += counts.sum(axis=0)
        table._values.add_counts(Tally(np.arange(len(counts)), counts.reshape(-1, CELLS)))
        return table

    def add(self, keys: Keys, labels: np.ndarray, folds: np.ndarray) -> None:
        """Counts rows.

        Args:
            keys: Their values.
            labels: 0 or 1 by row, negative where the row has no label: it does not count.
            folds: 0 or 1 by row.
        """
        cells = folds.astype(np.int64) * CLASSES + labels
        labelled = labels >= 0
        if not labelled.all():
            keys, cells = keys.of_rows(labelled), cells[labelled]
        self.rows += np.bincount(cells, minlength=CELLS).reshape(FOLDS, CLASSES)
        if keys.rows is not None:
            lengths = np.bincount(keys.rows, minlength=len(cells)).astype(np.float64)
            self._lengths += [lengths.sum(), np.square(lengths).sum()]
            cells = cells[keys.rows]
        missing = keys.values == MISSING_KEY
        if missing.any():
            self._missing += np.bincount(cells[missing], minlength=CELLS)
            self._values.add(keys.values[~missing], cells[~missing])
        else:
            self._values.add(keys.values, cells)

    def merge(self, other: ContingencyTable) -> None:
        """Adds the counts of other rows, counted with the same arguments."""
        self.rows += other.rows
        self._missing += other._missing
        self._lengths += other._lengths
        self._values.merge(other._values)

    def mapped(self, numbers: np.ndarray) -> ContingencyTable:
        """Returns the counts of a number under other values.

        Args:
            numbers: float32 for each number of `ordered_counts`, NaN for a missing one.
        """
        settled, keys = self._values.settled(), number_keys(numbers)
        present = keys != MISSING_KEY
        result = ContingencyTable("number", self._max_values, self._buckets)
        result.rows += self.rows
        result._missing += self._missing + settled.counts[~present].sum(axis=0)
        result._values.add_counts(Tally(keys[present], settled.counts[present]))
        result._mapped = _Mapped(self._values, keys)
        return result

    @property
    def cardinality(self) -> int:
        """Distinct values, missing ones not counted; where `is_exact` is false, an estimate
        with a standard error of 1/sqrt(`sketch_size` - 2), by default 0.4 %.
        """
        return self._values.distinct

    @property
    def is_exact(self) -> bool:
        """Whether every value has counts of its own."""
        values = self._mapped.source if self._mapped else self._values
        values.settled()
        return values.level == 0

    @property
    def has_order(self) -> bool:
        """Whether `ordered_counts` are in an order that means something."""
        if self.kind == "category":
            return self._ordered and self.is_exact
        return self.kind == "number"

    @property
    def coverage(self) -> float:
        """Share of the labelled rows with a value."""
        rows = int(self.rows.sum())
        return 1 - float(self._missing.sum()) / rows if rows else 0.0

    @property
    def values_per_row(self) -> float:
        """Of a list, how many values the row of a value has, on average; otherwise 1."""
        return float(self._lengths[1] / self._lengths[0]) if self._lengths[0] else 1.0

    @property
    def counts(self) -> np.ndarray:
        """Rows by category, fold and label `[categories, folds, classes]`.

        A number is divided into bins; missing values are the last category where there are any.
        """
        counts = self._values.settled().counts
        if self.kind == "number":
            counts = np.add.reduceat(counts, bin_starts(counts, self._buckets))
        if self._missing.any():
            counts = np.concatenate([counts, self._missing[None]])
        return counts.reshape(-1, FOLDS, CLASSES)

    def encoder(self) -> Encoder:
        """Returns what gives each key of the rows the number of its row in `counts`."""
        settled = self._values.settled()
        places = np.arange(len(settled))
        if self.kind == "number":
            starts = bin_starts(settled.counts, self._buckets)
            places = np.searchsorted(starts, places, side="right") - 1
        missing = int(places.max(initial=-1)) + 1 if self._missing.any() else None
        own = Encoder(settled.keys, places, self._values.coarsener(), missing, self.is_exact)
        if not self._mapped:
            return own
        source, images = self._mapped
        places = own.codes(images).astype(np.intp)
        return Encoder(source.settled().keys, places, source.coarsener(), missing, self.is_exact)

    @property
    def ranges(self) -> np.ndarray | None:
        """The least number of the rows in each bin, ascending; None where a formula joins numbers
        with others between them, so that a bin is no range.
        """
        source = self._mapped.source if self._mapped else self._values
        keys = source.settled().keys << source.level
        bins = self.encoder().codes(keys)
        starts = np.flatnonzero(np.diff(bins.astype(np.int64), prepend=-1))
        return number_of(keys[starts]) if len(np.unique(bins)) == len(starts) else None

    @property
    def label_counts(self) -> np.ndarray:
        """Rows by category and label `[categories, classes]`."""
        counts = self.counts
        result: np.ndarray = counts[:, 0] + counts[:, 1]
        return result

    @property
    def missing_counts(self) -> np.ndarray:
        """Rows without a value by label `[classes]`."""
        result: np.ndarray = self._missing.reshape(FOLDS, CLASSES).sum(axis=0)
        return result

    @property
    def keyed_counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Keys of present values, coarse where `is_exact` is false, in ascending order, and rows
        by key and label `[keys, classes]`.
        """
        settled = self._values.settled()
        return settled.keys, settled.counts[:, :CLASSES] + settled.counts[:, CLASSES:]

    def coarse(self, keys: np.ndarray) -> np.ndarray:
        """Returns the keys under which values are counted."""
        self._values.settled()
        return self._values.coarse(keys)

    @property
    def ordered_counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Present values in ascending order, and rows by value and label `[values, classes]`.

        A number stands for itself, a category for its place among the sorted ones.
        """
        keys, counts = self.keyed_counts
        if self.kind == "number":
            return number_of(keys, self._values.level), counts
        return np.arange(len(counts), dtype=np.float64), counts


class _Mapped(NamedTuple):
    """What a table was mapped from: its counts, and the key that each of their keys became."""

    source: ValueCounts
    images: np.ndarray
