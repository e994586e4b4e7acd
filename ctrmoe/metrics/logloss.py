"""Log loss from logits, and the share of the labels' entropy that it leaves."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ctrmoe.metrics._inputs import as_pair


def logloss(labels: ArrayLike, logits: ArrayLike) -> float | None:
    """Computes the mean of `-y·ln σ(z) - (1-y)·ln(1-σ(z))` in nats, in double precision.

    Written as `softplus(z)` for a negative and `softplus(-z)` for a positive, so that a large
    logit neither overflows nor is clipped: an infinite logit on the wrong side gives infinity, on
    the right side zero.

    Args:
        labels: 0 or 1, `[B]`.
        logits: Logits, `[B]`.

    Returns:
        The mean, or None without rows.

    Raises:
        ValueError: If a label is not 0 or 1, a logit is NaN or the lengths differ.
    """
    positive, values = as_pair(labels, logits)
    if not positive.size:
        return None
    against = np.where(positive, -values, values).astype(np.float64)
    return float(np.mean(np.maximum(against, 0.0) + np.log1p(np.exp(-np.abs(against)))))


def normalized_entropy(labels: ArrayLike, logits: ArrayLike) -> float | None:
    """Computes the log loss over that of always predicting the observed rate.

    `NE = logloss / (-p·ln p - (1-p)·ln(1-p))` with `p` the share of positives: 1 is no better
    than the base rate, 0 is perfect.

    Args:
        labels: 0 or 1, `[B]`.
        logits: Logits, `[B]`.

    Returns:
        The ratio, or None where one of the classes is missing.

    Raises:
        ValueError: As `logloss`.

    Reference:
        He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, 2014.
    """
    positive, values = as_pair(labels, logits)
    num_positives, num_rows = int(positive.sum()), positive.size
    loss = logloss(positive, values)
    if loss is None or num_positives in (0, num_rows):
        return None
    rate = num_positives / num_rows
    return loss / (-rate * math.log(rate) - (1 - rate) * math.log1p(-rate))
