"""The figures of a combination of features."""

from __future__ import annotations

from functools import cache

import numpy as np

from ctrmoe.ranking.combinations.additive import synergy
from ctrmoe.ranking.combinations.choices import Combination
from ctrmoe.ranking.combinations.codes import Codes, JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.combinations.told import Told, told
from ctrmoe.ranking.estimate import Estimate
from ctrmoe.ranking.information import tail
from ctrmoe.ranking.permutation_null import Moments

WORTH_A_FIT = 0.05
"""Where one part explains the combination with at least this probability, no model is fitted."""


class Measure:
    """Computes the columns of `pairs.parquet` of combinations of the same rows.

    The synergy is that of `additive.synergy` where the combination tells more than each of its
    parts; otherwise, without a fit, its score less that of the part that explains it best: about 0,
    and negative where its values are too rare to tell what the part tells. The p-value is the
    larger one of both tests.

    Args:
        codes: Categories by row.
    """

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._classes = np.bincount(codes.labels, minlength=2)
        self._part = cache(self._told)

    def __call__(self, names: Combination) -> dict[str, object]:
        index = JointIndex(self._codes, names)
        counts = JointCounts.of_rows(index, self._codes.labels)
        whole = told(counts, self._classes)
        over = max((_over(whole, self._part(name)) for name in names), key=lambda e: e.p_value)
        if over.p_value < WORTH_A_FIT:
            fitted = synergy(counts, index.members(counts.places))
            over = fitted._replace(p_value=max(fitted.p_value, over.p_value))
        score = whole.estimate
        return {
            "score": score.value,
            "score_std": score.std,
            "p_value": score.p_value,
            "cardinality": len(counts),
            "coverage": self._codes.coverage(names),
            "synergy": over.value,
            "synergy_std": over.std,
            "synergy_p_value": over.p_value,
            "rows": whole.rows,
        }

    def _told(self, name: str) -> Told:
        counts = JointCounts.of_rows(JointIndex(self._codes, [name]), self._codes.labels)
        return told(counts, self._classes)


def _over(whole: Told, part: Told) -> Estimate:
    """Returns what a combination tells over one part, were the labels shuffled within it."""
    mean = whole.null.mean - part.null.mean
    variance = whole.null.variance - part.null.variance
    gain = (whole.value - part.value) * whole.rows
    std = max(variance, 0.0) ** 0.5 / whole.rows
    p_value = tail(gain, Moments(mean, variance)) if mean > 0 else 1.0
    return Estimate((gain - mean) / whole.rows, std, p_value)
