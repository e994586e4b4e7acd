"""Platt's map: a line in the logit."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from ctrmoe.calibration._checks import check_classes
from ctrmoe.calibration.logit_map import Floats, LogitMap, Positives
from ctrmoe.calibration.shift import shift


def platt(logits: Floats, positives: Positives) -> LogitMap:
    """Fits `a·z + b` by the log loss against Platt's targets.

    The targets are `(N₊ + 1) / (N₊ + 2)` for a positive and `1 / (N₋ + 2)` for a negative: the fit
    is finite even where a logit tells the classes apart. A line that falls would turn the order of
    the rows round: then a is 1, and b the shift to the observed rate.

    Args:
        logits: Of the model, `[B]`.
        positives: Whether the label is 1, `[B]`.

    Returns:
        The line.

    Raises:
        ValueError: If a class is missing.

    Reference:
        Platt, Probabilistic outputs for support vector machines, 1999, section 2.1. The fit is
        Newton's method with a trust region: the loss is convex in the two numbers.
    """
    check_classes(positives, 1)
    count = positives.sum()
    targets = np.where(positives, (count + 1) / (count + 2), 1 / (positives.size - count + 2))

    def loss(line: Floats) -> tuple[float, Floats]:
        mapped = line[0] * logits + line[1]
        gap = expit(mapped) - targets
        value = np.mean(np.logaddexp(0, mapped) - targets * mapped)
        return float(value), np.array([np.mean(gap * logits), np.mean(gap)])

    def curvature(line: Floats) -> Floats:
        rates = expit(line[0] * logits + line[1])
        spread = rates * (1 - rates)
        moments = [np.mean(spread * logits**power) for power in range(3)]
        return np.array([[moments[2], moments[1]], [moments[1], moments[0]]])

    found = minimize(loss, [1.0, 0.0], jac=True, hess=curvature, method="trust-exact")
    slope, intercept = map(float, found.x)
    if slope <= 0:
        slope, intercept = 1.0, shift(logits, positives)
    return LogitMap((0.0,), (intercept,), slope)
