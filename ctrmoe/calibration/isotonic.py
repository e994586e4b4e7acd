"""Isotonic regression, its steps joined to a map that rises everywhere."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import logit

from ctrmoe.calibration._checks import check_classes
from ctrmoe.calibration.logit_map import Floats, LogitMap, Positives
from ctrmoe.calibration.shift import shift

MIN_CLASS = 10  # rows of each class behind a point: fewer would follow the noise
MIN_GAP = 1e-3  # between the logits of two points, well above float32's resolution


def isotonic(logits: Floats, positives: Positives) -> LogitMap:
    """Fits rates that rise with the logit, and draws a line through the middles of its steps.

    A step of isotonic regression gives all its rows one probability; those ties would move rank
    figures. Here each step is one point, the mean logit of its rows and the logit of their rate,
    and what lies between two points is on the line through them; beyond the outer points the map
    shifts as it does there. Neighbouring steps are joined until each holds `MIN_CLASS` rows of
    either class, so that every point is finite. The map as a whole is shifted so that the mean
    probability of the rows is their rate, as it is with the steps.

    Args:
        logits: Of the model, `[B]`.
        positives: Whether the label is 1, `[B]`.

    Returns:
        The map.

    Raises:
        ValueError: If there are fewer rows of a class than a point needs.

    Reference:
        Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability
        estimates, 2002; Oron and Flournoy, Centered isotonic regression, 2017, arXiv:1701.05964,
        for the points. That steps are joined, the line in the logit and the shift are ours.
    """
    check_classes(positives, MIN_CLASS)
    values, group, rows = np.unique(logits, return_inverse=True, return_counts=True)
    clicks = np.bincount(group, positives)
    starts = isotonic_regression(clicks / rows, weights=rows).blocks[:-1]
    steps = [np.add.reduceat(column, starts) for column in (rows, clicks, rows * values)]
    rows, clicks, sums = _joined(np.stack(steps))
    x, y = sums / rows, logit(clicks / rows)
    unshifted = LogitMap(tuple(x.tolist()), tuple(y.tolist()), 1.0)
    y += shift(unshifted(logits), positives)
    return LogitMap(unshifted.x, tuple(y.tolist()), 1.0)


def _joined(steps: Floats) -> Floats:
    """Joins steps, columns of rows, clicks and sums of logits, from left to right."""
    points: list[Floats] = []
    open_step = np.zeros(3)
    for step in steps.T:
        open_step = open_step + step
        if _stands_alone(open_step, points):
            points.append(open_step)
            open_step = np.zeros(3)
    points[-1] = points[-1] + open_step
    return np.stack(points, axis=1)


def _stands_alone(step: Floats, points: list[Floats]) -> bool:
    rows, clicks, total = step
    if min(clicks, rows - clicks) < MIN_CLASS:
        return False
    return not points or total / rows - points[-1][2] / points[-1][0] >= MIN_GAP
