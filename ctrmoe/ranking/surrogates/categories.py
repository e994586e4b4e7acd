"""The values of a feature in a sample of rows, as numbers from 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from ctrmoe.ranking.keys import MISSING_KEY, Keys


@dataclass(frozen=True, slots=True)
class Categories:
    """A category for each value.

    Args:
        codes: The categories; missing values are one too.
        count: How many there are.
        rows: The row of each code, for lists; None where each row has one.
        is_ordered: Whether the order of the codes is that of numbers.
    """

    codes: np.ndarray
    count: int
    rows: np.ndarray | None = None
    is_ordered: bool = False

    @classmethod
    def of_keys(cls, keys: Keys, bins: int = 0) -> Categories:
        """Numbers the keys of a feature in ascending order.

        Args:
            keys: The keys.
            bins: Above 0, into how many bins of equal counts they are divided; the missing ones
                are a bin of their own, the first.
        """
        distinct, codes, sizes = np.unique(keys.values, return_inverse=True, return_counts=True)
        if bins:
            present = distinct != MISSING_KEY
            sizes = np.where(present, sizes, 0)
            middles = np.cumsum(sizes) - sizes / 2
            binned = np.floor(middles * bins / max(sizes.sum(), 1)).astype(np.int64) + 1
            groups = np.unique(np.where(present, binned, 0), return_inverse=True)[1]
            return cls(groups[codes], int(groups.max(initial=-1)) + 1, is_ordered=True)
        return cls(codes, len(distinct), keys.rows)

    def one_hot(self, length: int) -> csr_matrix:
        """Returns a column for each category, of `length` rows."""
        rows = np.arange(len(self.codes)) if self.rows is None else self.rows
        ones = np.ones(len(self.codes))
        return csr_matrix((ones, (rows, self.codes)), shape=(length, self.count))

    def frequent(self, most: int) -> np.ndarray:
        """Returns categories by falling count, all from number `most - 1` on taken together."""
        order = np.argsort(-np.bincount(self.codes, minlength=self.count), kind="stable")
        places = np.empty(self.count, np.int64)
        places[order] = np.arange(self.count)
        return np.minimum(places, most - 1)[self.codes]
