"""Adjusted mutual information."""

from __future__ import annotations

import numpy as np

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import CHANCE, UNDEFINED, Estimate
from ctrmoe.ranking.information import corrected, entropy, mutual_information
from ctrmoe.ranking.permutation_null import permutation_moments
from ctrmoe.ranking.scores.base import Score


class AMI(Score):
    """(I - E₀ I) / ((H(X) + H(Y)) / 2 - E₀ I): 0 on average for noise, 1 for equal partitions.

    Not defined for lists.

    Reference:
        Vinh, Epps, Bailey, 2010, JMLR 11, eq. 9 with the arithmetic mean, as scikit-learn's
        `adjusted_mutual_info_score` and OutRank's heuristic `AMI`.
    """

    def __call__(self, table: ContingencyTable) -> Estimate:
        if table.kind == "list":
            return UNDEFINED
        counts, classes = table.label_counts, table.rows.sum(axis=0)
        rows, sizes = int(classes.sum()), counts[:, 0] + counts[:, 1]
        if not rows:
            return CHANCE
        null = permutation_moments(sizes, rows, int(classes[1]))
        value, std, p_value = corrected(*mutual_information(counts, classes), null, rows)
        scale = (entropy(sizes) + entropy(classes)) / 2 - null.mean / rows
        if abs(scale) < np.finfo(float).eps:
            return CHANCE
        return Estimate(value / scale, std / abs(scale), p_value)
