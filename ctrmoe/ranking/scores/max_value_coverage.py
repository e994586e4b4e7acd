"""Share of the most frequent pair of value and label."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.scores.base import Score


class MaxValueCoverage(Score):
    """max_v,c N_vc / n.

    The p-value adds up over all pairs the probability of a count as high, by the normal limit of
    the hypergeometric distribution: an upper bound.

    Reference:
        OutRank 0.97.5, heuristic `max-value-coverage`; pairs are counted here, not hashed.
    """

    def __call__(self, table: ContingencyTable) -> Estimate:
        counts, classes = table.label_counts, table.rows.sum(axis=0)
        rows = int(classes.sum())
        if not rows or not len(counts):
            return CHANCE
        highest = int(counts.max())
        share = highest / rows
        sizes = counts[:, 0] + counts[:, 1]
        sizes = sizes[sizes >= highest]
        expected = sizes[:, None] * (classes / rows)
        left = (rows - sizes[:, None]) / max(rows - 1, 1)
        std = np.sqrt(expected * (1 - classes / rows) * left)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(std > 0, (highest - 0.5 - expected) / std, -np.inf)
        p_value = min(1.0, float(ndtr(-z).sum()))
        return Estimate(share, (share * (1 - share) / rows) ** 0.5, p_value)
