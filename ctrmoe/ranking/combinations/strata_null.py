"""Mean and variance of conditional information when the labels are shuffled within strata."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, xlogy

from ctrmoe.ranking.permutation_null import Moments

_SMALL = 32.0
"""Up to so many expected labels of the rarer class the sum over the distribution is taken."""
_TERMS = 1 << 22
"""Terms of such sums in memory at once."""


class _Cells(NamedTuple):
    """By cell: mean, variance, and slope and residual variance of the regression on its count."""

    mean: np.ndarray
    variance: np.ndarray
    slope: np.ndarray
    residual: np.ndarray


def strata_moments(
    sizes: np.ndarray, strata: np.ndarray, rows: np.ndarray, positives: np.ndarray
) -> Moments:
    """Returns mean and variance of n·I(X; Y | G) over all orders of the labels within each stratum.

    Both are the sums of those of `permutation_moments` over the strata, in which the labels are
    shuffled apart. Cells with 32 expected labels of the rarer class are expanded, the others
    summed over the hypergeometric distribution, once for each distinct (rows of the cell, rows of
    the stratum, labels of the stratum).

    Args:
        sizes: Rows of each cell, above 0: a value in a stratum.
        strata: The stratum of each cell.
        rows: Of each stratum.
        positives: Of each stratum, the rows with label 1.

    Reference:
        As `permutation_moments`; Cochran, 1954, "Some methods for strengthening the common
        chi-squared tests", for adding strata up.
    """
    rare = np.minimum(positives, rows - positives)
    tells = (rare > 0)[strata] & (sizes < rows[strata])
    sizes, strata = sizes[tells], strata[tells]
    if not len(sizes):
        return Moments(0.0, 0.0)
    cells = _of_cells(sizes, strata, rows, rare)
    share, rates = sizes / rows[strata], rare / np.maximum(rows, 1)
    spread = rates * (1 - rates) / np.maximum(rows - 1, 1)
    linear = cells.slope * sizes
    quadratic = np.sqrt(cells.residual) * share / (1 - share)
    variance = (
        cells.variance.sum()
        - (spread * _products(linear, strata, len(rows))).sum()
        + _products(quadratic, strata, len(rows)).sum()
    )
    return Moments(float(cells.mean.sum()), max(float(variance), 0.0))


def _products(values: np.ndarray, strata: np.ndarray, count: int) -> np.ndarray:
    """Returns the sum over all pairs of different cells of a stratum."""
    total, squares = (np.bincount(strata, v, count) for v in (values, np.square(values)))
    result: np.ndarray = np.square(total) - squares
    return result


def _of_cells(sizes: np.ndarray, strata: np.ndarray, rows: np.ndarray, rare: np.ndarray) -> _Cells:
    kinds, kind = np.unique(rows * (int(rare.max()) + 1) + rare, return_inverse=True)
    rows, rare = np.divmod(kinds, int(rare.max()) + 1)
    radix = int(sizes.max()) + 1
    distinct, place = np.unique(kind[strata] * radix + sizes, return_inverse=True)
    kind, sizes = np.divmod(distinct, radix)
    rows, rare = rows[kind], rare[kind]
    p = rare / rows
    mean = (rows - sizes) / (rows - 1) / 2 * (1 + (1 - p * (1 - p)) / (6 * sizes * p * (1 - p)))
    parts = np.stack([mean, 2 * np.square(mean), np.zeros(len(mean)), 2 * np.square(mean)])
    small = np.flatnonzero(sizes * p < _SMALL)
    expected = sizes[small] * p[small]
    last = np.minimum(np.minimum(sizes, rare)[small], expected + 12 * np.sqrt(expected) + 20)
    terms = last.astype(np.int64) + 1
    block = np.cumsum(terms) // _TERMS
    for number in np.unique(block):
        chosen = small[block == number]
        parts[:, chosen] = _summed(
            sizes[chosen], rows[chosen], rare[chosen], terms[block == number]
        )
    return _Cells(*parts[:, place])


def _summed(sizes: np.ndarray, rows: np.ndarray, rare: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Moments `[4, cells]` over the first so many counts of the rarer label."""
    starts = np.cumsum(terms) - terms
    cell = np.repeat(np.arange(len(terms)), terms)
    k = np.arange(len(cell)) - starts[cell]
    size, total, labels = sizes[cell], rows[cell], rare[cell]
    rest = size - k
    possible = rest <= total - labels
    k, rest = np.where(possible, k, 0), np.where(possible, rest, 0)
    log = -_log_factorial(k) - _log_factorial(labels - k)
    log -= _log_factorial(rest) + _log_factorial(total - labels - rest)
    log[~possible] = -np.inf
    chance = np.exp(log - np.maximum.reduceat(log, starts)[cell])
    chance /= np.add.reduceat(chance, starts)[cell]
    p = labels / total
    t = xlogy(k, k / (size * p)) + xlogy(rest, rest / (size * (1 - p)))

    def mean_of(values: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.add.reduceat(chance * values, starts)
        return result

    mean, centre = mean_of(t), mean_of(k)
    away, t_away = k - centre[cell], t - mean[cell]
    variance, width = mean_of(np.square(t_away)), mean_of(np.square(away))
    shared = mean_of(away * t_away)
    slope = np.divide(shared, width, out=np.zeros_like(width), where=width > 0)
    return np.stack([mean, variance, slope, np.maximum(variance - slope * shared, 0)])


def _log_factorial(values: np.ndarray) -> np.ndarray:
    result: np.ndarray = gammaln(values + 1)
    return result
