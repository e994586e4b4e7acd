"""Area under the ROC curve, exact, and its confidence interval."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctrmoe.metrics._inputs import Scores, as_pair


def auc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """Computes the chance that a positive scores above a negative, ties counting one half.

    `AUC = (#{s⁺ > s⁻} + ½ #{s⁺ = s⁻}) / (P·N)` over all `P·N` pairs, counted in whole numbers:
    no thresholds, no rounding. One sort a class, O(n log n).

    Args:
        labels: 0 or 1, `[B]`.
        scores: Logits or any other score, `[B]`; float32 and float64 are compared as they are.

    Returns:
        The area, or None where one of the classes is missing.

    Raises:
        ValueError: If a label is not 0 or 1, a score is NaN or the lengths differ.

    Example:
        >>> auc([0, 1, 0, 1], [0.1, 0.1, 0.0, 0.9])
        0.875
    """
    positives, negatives = _sorted_classes(labels, scores)
    if not positives.size or not negatives.size:
        return None
    # Searching the smaller class in the larger one costs next to nothing at a low click rate.
    if positives.size <= negatives.size:
        wins = int(_twice_ranks(positives, negatives).sum())
    else:
        wins = 2 * positives.size * negatives.size - int(_twice_ranks(negatives, positives).sum())
    return wins / (2 * positives.size * negatives.size)


def auc_interval(
    labels: ArrayLike, scores: ArrayLike, level: float = 0.95
) -> tuple[float, float] | None:
    """Computes DeLong's confidence interval of the AUC in O(n log n).

    The variance is `Var(V⁺)/P + Var(V⁻)/N`, with `V⁺` the share of negatives that a positive
    beats and `V⁻` the share of positives that beat a negative (ties one half); the interval is
    normal and cut to [0, 1]. It has no width where the classes are separated.

    Args:
        labels: 0 or 1, `[B]`.
        scores: Logits or any other score, `[B]`.
        level: Coverage of the interval.

    Returns:
        The lower and upper limit, or None with fewer than two rows of either class.

    Raises:
        ValueError: As `auc`, or if `level` is not between 0 and 1.

    Reference:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988); the sorted form is
        Sun and Xu, IEEE Signal Processing Letters 21 (2014).
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"`level` must lie between 0 and 1. Received: level={level}.")
    positives, negatives = _sorted_classes(labels, scores)
    if positives.size < 2 or negatives.size < 2:
        return None
    beaten = _twice_ranks(positives, negatives) / (2 * negatives.size)
    beating = 1.0 - _twice_ranks(negatives, positives) / (2 * positives.size)
    variance = beaten.var(ddof=1) / positives.size + beating.var(ddof=1) / negatives.size
    centre = float(beaten.mean())
    width = NormalDist().inv_cdf(0.5 + level / 2) * float(variance) ** 0.5
    return max(0.0, centre - width), min(1.0, centre + width)


def _sorted_classes(labels: ArrayLike, scores: ArrayLike) -> tuple[Scores, Scores]:
    positive, values = as_pair(labels, scores)
    return np.sort(values[positive]), np.sort(values[~positive])


def _twice_ranks(values: Scores, others: Scores) -> NDArray[np.int64]:
    """Twice the number of `others` below each value, an equal one counting half."""
    return np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
