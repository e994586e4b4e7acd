"""Spearman's rank correlation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import UNDEFINED, Estimate
from ctrmoe.ranking.scores.base import Score
from ctrmoe.ranking.scores.pearson import correlation


class Spearman(Score):
    """Pearson's correlation of the rows' ranks by value with the label; equal values share one.

    What is left out and not defined is as in `Pearson`.

    Reference:
        Spearman, 1904, "The proof and measurement of association between two things".
    """

    signed: ClassVar[bool] = True

    def __call__(self, table: ContingencyTable) -> Estimate:
        if not table.has_order:
            return UNDEFINED
        _, counts = table.ordered_counts
        sizes = counts[:, 0] + counts[:, 1]
        return correlation(np.cumsum(sizes) - (sizes - 1) / 2, counts)
