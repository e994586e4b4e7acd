"""Area under the curve of the target-encoded feature."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import UNDEFINED, Estimate, one_sided
from ctrmoe.ranking.scores.base import Score

PRIOR_ROWS = 10.0
"""Rows at the average rate that are added to those of each value."""


class AUC(Score):
    """AUC of the feature alone, each value replaced by the click rate that it has in other rows.

    The rows are two halves. Those of one are ordered by (k_v + 10 p) / (N_v + 10) of the other,
    so that a row's own label has no part in its place; the score is the mean of the two areas,
    0.5 on average for noise of any cardinality. Not defined for lists.

    The standard error is DeLong's, as if the halves' errors were the same (they are opposite sides
    of one difference where a feature has few values): an upper bound, as is the p-value, one-sided
    by the Mann-Whitney variance with ties.

    Reference:
        Micci-Barreca, 2001, "A preprocessing scheme for high-cardinality categorical attributes"
        (the encoding); DeLong, DeLong, Clarke-Pearson, 1988, Biometrics 44 (the error).
    """

    chance: ClassVar[float] = 0.5

    def __call__(self, table: ContingencyTable) -> Estimate:
        if table.kind == "list" or not table.rows.all():
            return UNDEFINED
        counts = table.counts
        halves = [_area(counts[:, fold], counts[:, 1 - fold]) for fold in (0, 1)]
        value, std, null_std = np.mean(halves, axis=0)
        p_value = one_sided((value - 0.5) / null_std) if null_std > 0 else 1.0
        return Estimate(float(value), float(std), p_value)


def _area(counts: np.ndarray, others: np.ndarray) -> tuple[float, float, float]:
    """Returns the area, its standard error and that under shuffled labels."""
    present = (counts[:, 0] | counts[:, 1]) > 0
    counts, negative, positive = counts[present], others[present, 0], others[present, 1]
    prior = PRIOR_ROWS * others[:, 1].sum() / others.sum()
    rates = (positive + prior) / (negative + positive + PRIOR_ROWS)
    negatives, positives = _by_rate(rates, counts).astype(float).T.copy()
    m, n = negatives.sum(), positives.sum()
    rows = m + n
    # Of each group: the share of negatives below a positive, and of positives above a negative.
    below = (np.cumsum(negatives) - negatives / 2) / m
    above = 1 - (np.cumsum(positives) - positives / 2) / n
    area = float((positives * below).sum() / n)
    variance = (positives * np.square(below - area)).sum() / n**2
    variance += (negatives * np.square(above - area)).sum() / m**2
    ties = negatives + positives
    tied = np.sum(ties**3 - ties) / (rows * (rows - 1))
    null = max(rows + 1 - tied, 0.0) / (12.0 * m * n)
    return area, float(np.sqrt(variance)), float(np.sqrt(null))


def _by_rate(rates: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Adds up the counts of equal rates, in ascending order."""
    order = np.argsort(rates)
    starts = np.flatnonzero(np.diff(rates[order], prepend=-1.0))
    return np.add.reduceat(counts[order], starts)
