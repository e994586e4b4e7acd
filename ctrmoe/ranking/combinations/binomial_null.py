"""Mean and variance of the likelihood ratio of a count whose rate is known."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import expit, gammaln, xlogy

_LARGEST = 128
"""Up to so many rows the sum over the distribution is taken, beyond it only for rare labels."""
_MANY = 10.0
"""Expected labels of the rarer class from which the expansion is right."""
_STEP, _LEVELS = 0.1, 91


def binomial_moments(sizes: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and variance of each t_v where k_v ~ Binomial(N_v, p_v).

    t_v = k_v ln(k_v / (N_v p_v)) + (N_v - k_v) ln((N_v - k_v) / (N_v (1 - p_v))). Up to 128 rows
    both are summed over the distribution, at logits rounded to a tenth; above, 2t is chi-squared
    times Williams' factor where ten rows of the rarer label are expected, and elsewhere k_v is
    taken for a Poisson count.

    Args:
        sizes: N_v.
        rates: p_v.

    Reference:
        Williams, 1976, "Improved likelihood ratio tests for complete contingency tables",
        Biometrika 63.
    """
    rare = np.clip(np.minimum(rates, 1 - rates), 1e-12, 0.5)
    moments = np.empty((2, len(sizes)))
    small, many = sizes <= _LARGEST, sizes * rare >= _MANY
    levels = np.rint(np.log((1 - rare[small]) / rare[small]) / _STEP).astype(np.intp)
    moments[:, small] = _binomial_table()[:, sizes[small], np.minimum(levels, _LEVELS - 1)]
    large = ~small & many
    spread = rare[large] * (1 - rare[large])
    means = 0.5 * (1 + (1 - spread) / (6 * sizes[large] * spread))
    moments[:, large] = means, 2 * np.square(means)
    few = ~small & ~many
    levels = np.rint(sizes[few] * rare[few] / _STEP).astype(np.intp)
    moments[:, few] = _poisson_table()[:, levels]
    return moments[0], moments[1]


@cache
def _binomial_table() -> np.ndarray:
    """Moments `[2, rows, levels]`."""
    p = expit(-_STEP * np.arange(_LEVELS))[:, None]
    table = np.zeros((2, _LARGEST + 1, _LEVELS))
    for size in range(1, _LARGEST + 1):
        k = np.arange(size + 1)
        log = gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1)
        chance = np.exp(log + xlogy(k, p) + xlogy(size - k, 1 - p))
        t = xlogy(k, k / (size * p)) + xlogy(size - k, (size - k) / (size * (1 - p)))
        table[:, size] = _moments(chance, t)
    return table


@cache
def _poisson_table() -> np.ndarray:
    """Moments `[2, expected]`; t is k ln(k / x) - k + x."""
    expected = _STEP * np.arange(round(_MANY / _STEP) + 1)[:, None]
    k = np.arange(80)
    chance = np.exp(xlogy(k, expected) - expected - gammaln(k + 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(chance > 0, xlogy(k, k / expected) - k + expected, 0.0)
    return _moments(chance, np.nan_to_num(t))


def _moments(chance: np.ndarray, t: np.ndarray) -> np.ndarray:
    mean = (chance * t).sum(axis=1)
    return np.stack([mean, (chance * np.square(t - mean[:, None])).sum(axis=1)])
