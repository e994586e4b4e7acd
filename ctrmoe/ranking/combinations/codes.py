"""The categories of features by row, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LARGEST = 1 << 62


@dataclass(frozen=True, slots=True)
class Codes:
    """Categories of the rows that have a label.

    Args:
        columns: Of each feature, the category of every row, in the narrowest whole numbers.
        categories: Of each feature, their number.
        missing: Of each feature, the category of missing values; None where there are none.
        labels: 0 or 1 by row.
    """

    columns: dict[str, np.ndarray]
    categories: dict[str, int]
    missing: dict[str, int | None]
    labels: np.ndarray

    def of_rows(self, chosen: np.ndarray) -> Codes:
        """Returns the rows that a mask chooses."""
        columns = {name: column[chosen] for name, column in self.columns.items()}
        return Codes(columns, self.categories, self.missing, self.labels[chosen])

    def coverage(self, names: Sequence[str]) -> float:
        """Share of the rows in which none of the features is missing."""
        missing = [self.columns[n] == self.missing[n] for n in names if self.missing[n] is not None]
        if not missing:
            return 1.0
        return 1 - float(np.count_nonzero(np.logical_or.reduce(missing))) / len(self.labels)


class JointIndex:
    """The place of each row in the grid of all combinations of several features' categories.

    Places are whole numbers in mixed radix: two combinations never share one. Where the grid has
    more than 2^62 places, the combinations so far are numbered anew by those that occur.

    Args:
        codes: Categories by row.
        names: The features, the first of which varies slowest.
    """

    def __init__(self, codes: Codes, names: Sequence[str]) -> None:
        self.places: np.ndarray = codes.columns[names[0]].astype(np.uint32)
        """By row."""
        self.size = codes.categories[names[0]]
        """How many places there may be."""
        self._radices: list[int] = []
        self._renumbered: dict[int, np.ndarray] = {}
        for name in names[1:]:
            self._append(codes.columns[name], codes.categories[name])

    def members(self, places: np.ndarray) -> list[np.ndarray]:
        """Returns the category of each feature at these places."""
        result = []
        for step in reversed(range(len(self._radices))):
            places, category = np.divmod(places, places.dtype.type(self._radices[step]))
            result.append(category)
            if step in self._renumbered:
                places = self._renumbered[step][places]
        return [member.astype(np.intp) for member in (places, *reversed(result))]

    def _append(self, column: np.ndarray, categories: int) -> None:
        places = self.places
        if self.size * categories > _LARGEST:
            distinct, places = np.unique(places, return_inverse=True)
            self._renumbered[len(self._radices)] = distinct
            self.size = len(distinct)
        self.size *= categories
        # The label has one bit beside the place; short numbers sort twice as fast.
        dtype = np.dtype(np.uint32 if self.size <= 1 << 31 else np.uint64)
        places = places.astype(dtype)
        places *= dtype.type(categories)
        places += column
        self.places = places
        self._radices.append(categories)
