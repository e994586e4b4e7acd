"""Mean and variance of mutual information when the labels are shuffled, without shuffling."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

_SMALL = 64.0
"""Up to so many expected labels of the rarer class the sum over the distribution is taken."""
_BLOCK = 256


class Moments(NamedTuple):
    """Of n·I (nats) under shuffled labels."""

    mean: float
    variance: float


class _ValueMoments(NamedTuple):
    """By value: mean, variance, and slope and residual variance of the regression on its count."""

    mean: np.ndarray
    variance: np.ndarray
    slope: np.ndarray
    residual: np.ndarray


def permutation_moments(sizes: np.ndarray, rows: int, positives: int) -> Moments:
    """Returns mean and variance of n·I(X; Y) over all orders of the labels.

    With N_v rows of value v, of which k_v are positive, n·I is the sum over the values of
    t_v = k_v ln(k_v / (N_v p)) + (N_v - k_v) ln((N_v - k_v) / (N_v q)), p = 1 - q the share of
    positives, and k_v is hypergeometric. The mean is summed over that distribution where few
    positives are expected, and expanded in 1/N_v (error of order N_v^-2) elsewhere; both are the
    "expected mutual information" of AMI. The variance adds to those of the t_v what their k_v have
    in common: Cov(k_u, k_v) = -pq N_u N_v / (n - 1) through their linear parts, and its square
    through the quadratic ones.

    Args:
        sizes: N_v. Their sum exceeds `rows` for lists, whose variance is that of values that
            don't come together.
        rows: n.
        positives: Rows with label 1.

    Reference:
        Vinh, Epps, Bailey, 2010, "Information theoretic measures for clusterings comparison", JMLR
        11, eq. 24a (the mean); Williams, 1976, "Improved likelihood ratio tests for complete
        contingency tables", Biometrika 63 (its expansion). The variance is ours.
    """
    sizes, repeats = distinct_sizes(sizes)
    if rows < 2 or not 0 < positives < rows or repeats.sum() < 2:
        return Moments(0.0, 0.0)
    rare = min(positives, rows - positives)
    small = sizes * (rare / rows) < _SMALL
    parts = _expanded(sizes, rows, rare)
    if small.any():
        for all_values, exact in zip(parts, _summed(sizes[small], rows, rare), strict=True):
            all_values[small] = exact
    mean = float(repeats @ parts.mean)
    share = sizes / rows
    spread = (rare / rows) * (1 - rare / rows) / (rows - 1)
    linear = parts.slope * sizes
    quadratic = np.sqrt(parts.residual) * share / np.maximum(1 - share, 1 / rows)
    variance = (
        repeats @ parts.variance
        - spread * ((repeats @ linear) ** 2 - repeats @ linear**2)
        + ((repeats @ quadratic) ** 2 - repeats @ quadratic**2)
    )
    return Moments(mean, max(float(variance), 0.0))


def distinct_sizes(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distinct sizes above 0 and how often each occurs."""
    if len(sizes) and sizes.max() <= 4 * len(sizes):  # counting is quicker than sorting
        repeats = np.bincount(sizes)
        distinct = np.flatnonzero(repeats[1:]) + 1
        return distinct, repeats[distinct]
    return np.unique(sizes[sizes > 0], return_counts=True)


def _expanded(sizes: np.ndarray, rows: int, rare: int) -> _ValueMoments:
    """Moments of values with many positives: n·I is half a chi-squared, times Williams' factor."""
    p = rare / rows
    left = (rows - sizes) / (rows - 1)  # the shuffle draws without replacement
    correction = (1 - p * (1 - p)) / (6 * sizes * p * (1 - p))
    mean = left / 2 * (1 + correction)
    variance = 2 * np.square(mean)
    return _ValueMoments(mean, variance, np.zeros(len(sizes)), variance.copy())


def _summed(sizes: np.ndarray, rows: int, rare: int) -> list[np.ndarray]:
    blocks, place = np.unique(sizes // _BLOCK, return_inverse=True)
    table = np.stack([_block(int(block), rows, rare) for block in blocks])
    return list(table[place, :, sizes % _BLOCK].T)


@lru_cache(maxsize=4096)
def _block(block: int, rows: int, rare: int) -> np.ndarray:
    """The four moments `[4, sizes]` of `_BLOCK` neighbouring sizes, which all features share."""
    p = rare / rows
    sizes = np.minimum(np.arange(block * _BLOCK, (block + 1) * _BLOCK), rows)[:, None]
    expected = sizes[-1, 0] * p
    # Beyond, the probabilities are below 1e-30.
    last = min(int(expected + 12 * np.sqrt(expected) + 20), int(sizes[-1, 0]))
    k = np.arange(last + 1)[None, :]
    possible = (k <= np.minimum(sizes, rare)) & (sizes - k <= rows - rare)
    log = np.where(
        possible,
        _log_choose(rare, k) + _log_choose(rows - rare, np.where(possible, sizes - k, 0)),
        -np.inf,
    )
    chance = np.exp(log - log.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    rest = np.where(possible, sizes - k, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = xlogy(k, k / (sizes * p)) + xlogy(rest, rest / (sizes * (1 - p)))
    t = np.where(possible & (sizes > 0), t, 0.0)
    mean, centre = (np.sum(chance * x, axis=1) for x in (t, k))
    variance = np.sum(chance * np.square(t - mean[:, None]), axis=1)
    away = k - centre[:, None]
    width = np.sum(chance * np.square(away), axis=1)
    shared = np.sum(chance * away * (t - mean[:, None]), axis=1)
    slope = np.divide(shared, width, out=np.zeros_like(width), where=width > 0)
    return np.stack([mean, variance, slope, np.maximum(variance - slope * shared, 0)])


def _log_choose(total: int, chosen: np.ndarray) -> np.ndarray:
    chosen = np.minimum(chosen, total)
    log: np.ndarray = gammaln(total + 1) - gammaln(chosen + 1) - gammaln(total - chosen + 1)
    return log
