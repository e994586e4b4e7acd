"""The number of the category that each value of a feature belongs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ctrmoe.ranking.keys import MISSING_KEY

_DENSE_SPAN = 4


class Encoder:
    """Numbers the categories of a feature 0, 1, …: values, buckets of values or bins of numbers.

    Args:
        keys: All keys that were counted, ascending.
        places: The category of each.
        coarsened: Makes keys as they were counted of those of the rows.
        missing: The category of missing values, the last one; None where there are none.
        is_exact: Whether every value has a category or a bin of its own, by no hash.
    """

    def __init__(
        self,
        keys: np.ndarray,
        places: np.ndarray,
        coarsened: Callable[[np.ndarray], np.ndarray],
        missing: int | None,
        is_exact: bool,
    ) -> None:
        self.missing = missing
        self.categories = int(places.max(initial=-1)) + 1 if missing is None else missing + 1
        self.is_exact = is_exact
        self.dtype = np.min_scalar_type(max(self.categories - 1, 0))
        """The narrowest that holds every category."""
        self._coarsened = coarsened
        self._keys, self._places = keys, places.astype(self.dtype)
        self._dense: np.ndarray | None = None
        span = int(keys[-1]) - int(keys[0]) + 1 if len(keys) else 0
        if 0 < span <= _DENSE_SPAN * len(keys):
            self._dense = np.zeros(span, self.dtype)
            self._dense[keys - keys[0]] = self._places

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        dense = 0 if self._dense is None else self._dense.nbytes
        return int(self._keys.nbytes + self._places.nbytes + dense)

    def codes(self, keys: np.ndarray) -> np.ndarray:
        """Returns the category of each key, all of which were counted."""
        missing = keys == MISSING_KEY
        if not len(self._keys):
            return np.zeros(len(keys), self.dtype)
        present = self._coarsened(np.where(missing, 0, keys) if missing.any() else keys)
        if self._dense is not None:
            result = self._dense.take(present - self._keys[0], mode="clip")
        else:
            result = self._places.take(np.searchsorted(self._keys, present), mode="clip")
        if self.missing is not None:
            result[missing] = self.missing
        return result
