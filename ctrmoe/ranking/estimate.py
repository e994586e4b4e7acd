"""The value of a score with what is known about its error."""

from __future__ import annotations

import math
from collections.abc import Mapping
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


def columns_of(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Returns the columns of scores in a table: `x`, `x_std` and `x_p_value` of each x."""
    result: dict[str, float] = {}
    for name, estimate in estimates.items():
        result |= {name: estimate.value, f"{name}_std": estimate.std}
        result[f"{name}_p_value"] = estimate.p_value
    return result
