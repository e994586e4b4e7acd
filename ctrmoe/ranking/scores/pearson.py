"""Pearson's correlation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import CHANCE, UNDEFINED, Estimate, two_sided
from ctrmoe.ranking.scores.base import Score


class Pearson(Score):
    """Correlation of a number, or of a category's place among the sorted ones, with the label.

    Rows without a value are left out. The standard error is (1 - r²) / √(n - 1), the p-value that
    of r √(n - 1), the normal limit under shuffled labels. Not defined for lists, and for text and
    hashed values, whose order means nothing.

    Reference:
        OutRank 0.97.5, heuristic `correlation-Pearson`, whose codes are the places too.
    """

    signed: ClassVar[bool] = True

    def __call__(self, table: ContingencyTable) -> Estimate:
        if not table.has_order:
            return UNDEFINED
        values, counts = table.ordered_counts
        return correlation(values, counts)


def correlation(values: np.ndarray, counts: np.ndarray) -> Estimate:
    """Returns the correlation of values with the label.

    Args:
        values: `[values]`.
        counts: Rows by value and label `[values, 2]`.
    """
    by_value, clicks = (counts[:, 0] + counts[:, 1]).astype(float), counts[:, 1].astype(float)
    rows = int(by_value.sum())
    if rows < 2:
        return CHANCE
    share = clicks.sum() / rows
    away = values - (by_value * values).sum() / rows
    spread = np.sqrt((by_value * np.square(away)).sum() * rows * share * (1 - share))
    if not spread > 0:
        return CHANCE
    r = float(np.clip((away * clicks).sum() / spread, -1, 1))
    return Estimate(r, (1 - r * r) / (rows - 1) ** 0.5, two_sided(r * (rows - 1) ** 0.5))
