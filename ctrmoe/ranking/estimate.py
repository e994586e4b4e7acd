"""The value of a score with what is known about its error."""

from __future__ import annotations

import math
from typing import NamedTuple


class Estimate(NamedTuple):
    """A score of a feature.

    Args:
        value: The score; NaN where it is not defined for the feature.
        std: Its standard error.
        p_value: Probability of a value at least as far from chance where the labels are shuffled.
    """

    value: float
    std: float
    p_value: float


UNDEFINED = Estimate(math.nan, math.nan, math.nan)
CHANCE = Estimate(0.0, 0.0, 1.0)


def two_sided(z: float) -> float:
    """Returns the probability that a standard normal is further from 0 than `z`."""
    return math.erfc(abs(z) / math.sqrt(2))


def one_sided(z: float) -> float:
    """Returns the probability that a standard normal is above `z`."""
    return math.erfc(z / math.sqrt(2)) / 2
