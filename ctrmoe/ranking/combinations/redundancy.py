"""How much of one feature another one tells."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from ctrmoe.ranking.combinations.choices import Combination
from ctrmoe.ranking.combinations.codes import Codes, JointIndex
from ctrmoe.ranking.combinations.joint_counts import place_sizes
from ctrmoe.ranking.permutation_null import distinct_sizes

_MANY = 5.0
"""Expected rows of the rarest combination from which chance is χ²."""


class _Part(NamedTuple):
    """Of one feature: entropy in nats, number of values, and rows of the rarest."""

    entropy: float
    values: int
    rarest: int


class Redundancy:
    """(I(A; B) - E₀ I) / ((H(A) + H(B)) / 2 - E₀ I), between 0 and 1.

    It is 1 where either feature is the other one under other names, and 0 for independent features
    of any cardinality; what is below 0 by chance is 0. The expectation is over orders of the rows:
    (|A| - 1)(|B| - 1) / 2n where every combination is to be expected often, and otherwise that
    of one order drawn, whose deviation from the mean is small among so many combinations.

    Args:
        codes: Categories by row.
        seed: Of the order.

    Reference:
        Vinh, Epps, Bailey, 2010, JMLR 11, eq. 9 with the arithmetic mean, as the score `ami`.
    """

    def __init__(self, codes: Codes, seed: int) -> None:
        self._codes = codes
        self._shuffle = np.random.default_rng(seed).permutation(len(codes.labels)).astype(np.uint32)
        self._part = cache(self._counted)

    def __call__(self, names: Combination) -> float:
        first, second = (self._part(name) for name in names)
        rows = len(self._codes.labels)
        separate = first.entropy + second.entropy
        shared = separate - _entropy(place_sizes(JointIndex(self._codes, names)))
        if first.rarest * second.rarest / rows >= _MANY:
            chance = (first.values - 1) * (second.values - 1) / (2 * rows)
        else:
            chance = separate - _entropy(place_sizes(JointIndex(self._shuffled(names), names)))
        scale = separate / 2 - chance
        return float(np.clip((shared - chance) / scale, 0, 1)) if scale > 1e-9 else 0.0

    def _counted(self, name: str) -> _Part:
        sizes = place_sizes(JointIndex(self._codes, [name]))
        return _Part(_entropy(sizes), len(sizes), int(sizes.min()))

    def _shuffled(self, names: Combination) -> Codes:
        one, other = names
        columns = {one: self._codes.columns[one], other: self._codes.columns[other][self._shuffle]}
        return Codes(columns, self._codes.categories, self._codes.missing, self._codes.labels)


def _entropy(sizes: np.ndarray) -> float:
    rows = float(sizes.sum())
    distinct, repeats = distinct_sizes(sizes)  # few: their logarithms would take longest
    return float(np.log(rows) - (repeats * distinct * np.log(distinct)).sum() / rows)
