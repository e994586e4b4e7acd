"""Plain mutual information."""

from __future__ import annotations

from typing import ClassVar

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.information import mutual_information, tail
from ctrmoe.ranking.permutation_null import permutation_moments
from ctrmoe.ranking.scores.base import Score


class MI(Score):
    """Mutual information I(X; Y) = Σ_x,y p(x, y) ln(p(x, y) / (p(x) p(y))) in nats.

    It grows with the number of values: a unique id has H(Y). Its p-value takes account of that,
    its value does not.

    Reference:
        OutRank 0.97.5, heuristic `MI`; scikit-learn's `mutual_info_score`.
    """

    is_information: ClassVar[bool] = True

    def __call__(self, table: ContingencyTable) -> Estimate:
        counts, classes = table.label_counts, table.rows.sum(axis=0)
        rows = int(classes.sum())
        if not rows:
            return CHANCE
        value, std = mutual_information(counts, classes)
        null = permutation_moments(counts[:, 0] + counts[:, 1], rows, int(classes[1]))
        null = null._replace(variance=null.variance * table.values_per_row)
        return Estimate(value, std, tail(value * rows, null))
