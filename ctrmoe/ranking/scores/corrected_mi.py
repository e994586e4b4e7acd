"""Mutual information less what chance gives a feature of the same value counts."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import numpy as np

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.information import corrected, mutual_information
from ctrmoe.ranking.permutation_null import Moments, permutation_moments
from ctrmoe.ranking.scores.base import Score

Null = Literal["permutation", "analytic"]
MAX_DRAWN_ROWS = 10**9
"""NumPy draws no more from a hypergeometric distribution."""


class CorrectedMI(Score):
    """I(X; Y) - E₀ I(X; Y), in nats: 0 on average for noise of any cardinality.

    The expectation is over all orders of the labels, exactly (`repeats=0`) or by so many draws.
    Values that were seen once are one value: no order of the labels tells anything about them, and
    a unique id scores 0. Of a list, whose rows hold several values, the variance of the null is
    multiplied by the values in the row of a value: as much as if they always came together.

    `analytic` subtracts (|X| - 1)(|Y| - 1) / (2n) instead, right for values seen often only.

    Args:
        null: Whose expectation is subtracted.
        repeats: Draws of the permutation null; the p-value then is (1 + draws as high) /
            (1 + repeats), at least. Lists always have the exact one.
        seed: Of the draws.

    Reference:
        Vinh, Epps, Bailey, 2010, JMLR 11 (the expectation); Miller, 1955, "Note on the bias of
        information estimates" (`analytic`). OutRank's own null is `ShiftNull`.

    Raises:
        ValueError: When an argument is out of range.
    """

    is_information: ClassVar[bool] = True

    def __init__(self, null: Null = "permutation", repeats: int = 0, seed: int = 0) -> None:
        if null not in get_args(Null):
            raise ValueError(f"`null` must be one of {get_args(Null)}. Received: {null!r}.")
        if repeats < 0 or repeats == 1:
            raise ValueError(f"`repeats` must be 0, or at least 2. Received: repeats={repeats}.")
        self.null = null
        self.repeats = repeats
        self.seed = seed

    def __call__(self, table: ContingencyTable) -> Estimate:
        counts, classes = table.label_counts, table.rows.sum(axis=0)
        rows = int(classes.sum())
        if not rows:
            return CHANCE
        if self.null == "analytic":
            freedom = max(len(counts) - 1, 0)
            null = Moments(freedom / 2, freedom / 2 * table.values_per_row)
            return corrected(*mutual_information(counts, classes), null, rows)
        counts = _once_joined(counts)
        value, std = mutual_information(counts, classes)
        if self.repeats and table.kind != "list":
            return self._drawn(value, std, counts, classes)
        null = permutation_moments(counts[:, 0] + counts[:, 1], rows, int(classes[1]))
        null = null._replace(variance=null.variance * table.values_per_row)
        return corrected(value, std, null, rows)

    def _drawn(self, value: float, std: float, counts: np.ndarray, classes: np.ndarray) -> Estimate:
        rows, sizes = int(classes.sum()), counts[:, 0] + counts[:, 1]
        if rows >= MAX_DRAWN_ROWS:
            raise ValueError(
                f"`repeats` must be 0 for {MAX_DRAWN_ROWS:,} rows and more. Received: "
                f"repeats={self.repeats}, rows={rows}."
            )
        draws = np.random.default_rng([self.seed, len(sizes)])
        chance = np.empty(self.repeats)
        for repeat in range(self.repeats):
            positives = draws.multivariate_hypergeometric(sizes, classes[1], method="marginals")
            shuffled = np.stack([sizes - positives, positives], axis=1)
            chance[repeat] = mutual_information(shuffled, classes)[0]
        p_value = (1 + np.count_nonzero(chance >= value - 1e-12)) / (1 + self.repeats)
        spread = np.hypot(std, chance.std(ddof=1))
        return Estimate(value - float(chance.mean()), float(spread), float(p_value))


def _once_joined(counts: np.ndarray) -> np.ndarray:
    once = counts[:, 0] + counts[:, 1] == 1
    if np.count_nonzero(once) < 2:
        return counts
    return np.concatenate([counts[~once], counts[once].sum(axis=0, keepdims=True)])
