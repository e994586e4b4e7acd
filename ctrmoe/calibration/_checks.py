"""Checks that the fits have in common."""

from __future__ import annotations

from ctrmoe.calibration.logit_map import Positives


def check_classes(positives: Positives, minimum: int) -> None:
    """Refuses labels with fewer than `minimum` of either class.

    Raises:
        ValueError: With both counts.
    """
    clicks = int(positives.sum())
    if min(clicks, positives.size - clicks) < minimum:
        raise ValueError(
            f"`positives` must hold {minimum} rows or more of each class. "
            f"Received: {clicks} positive and {positives.size - clicks} negative rows."
        )
