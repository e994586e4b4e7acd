"""Mutual information of counts, in nats."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincc, xlogy

from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.permutation_null import Moments


def mutual_information(counts: np.ndarray, classes: np.ndarray) -> tuple[float, float]:
    """Returns mutual information and its standard error by the delta method.

    I = Σ_v Σ_c (N_vc / n) ln(N_vc n / (N_v N_c)), Var(I) ≈ (Σ_v Σ_c (N_vc / n) ln²(…) - I²) / n.
    Of a list, of which a row holds several values, I adds up the divergences of all values.

    Args:
        counts: N_vc `[values, classes]`.
        classes: N_c; their sum is n.
    """
    rows, sizes = classes.sum(), counts[:, 0] + counts[:, 1]
    first = second = 0.0
    for label, share in enumerate(classes / rows):
        present = counts[:, label] > 0
        count = counts[present, label].astype(float)
        surprise = np.log(count / (sizes[present] * share))
        # Not `@`: the threads of BLAS would stand in the way of those over the features.
        count *= surprise
        first += count.sum() / rows
        second += (count * surprise).sum() / rows
    value, variance = float(first), float(second - first**2) / rows
    return value, float(np.sqrt(max(variance, 0.0)))


def divergence(sizes: np.ndarray, positives: np.ndarray, rates: np.ndarray) -> tuple[float, float]:
    """Returns Σ_v Σ_c N_vc ln(N_vc / (N_v p_vc)), and the same with the square of the logarithm.

    Args:
        sizes: N_v, rows of each value.
        positives: Of each, the rows with label 1.
        rates: The share of label 1 that there was to be expected, p_v1.
    """
    first = second = 0.0
    for count, chance in ((positives, rates), (sizes - positives, 1 - rates)):
        some = count > 0
        surprise = np.log(count[some] / (sizes[some] * chance[some]))
        first += float((count[some] * surprise).sum())
        second += float((count[some] * np.square(surprise)).sum())
    return first, second


def entropy(counts: np.ndarray) -> float:
    """Returns -Σ (N / n) ln(N / n)."""
    shares = counts / counts.sum()
    return float(-xlogy(shares, shares).sum())


def tail(value: float, null: Moments) -> float:
    """Returns the probability of at least `value` under a gamma distribution of these moments.

    Shuffled, 2n·I is chi-squared for values seen often and normal for many rare values; a gamma
    distribution with the exact mean and variance is right in both cases.
    """
    if null.variance <= 0:
        return 1.0
    return float(gammaincc(null.mean**2 / null.variance, max(value, 0) * null.mean / null.variance))


def corrected(value: float, std: float, null: Moments, rows: int) -> Estimate:
    """Returns mutual information less its mean under shuffled labels.

    Where no order of the labels is another one, as of a single value, there is none: what is left
    of it is rounding, whose tiny error would outweigh all others where scores are compared.
    """
    if null.variance <= 0:
        return CHANCE
    spread = float(np.hypot(std, np.sqrt(null.variance) / rows))
    return Estimate(value - null.mean / rows, spread, tail(value * rows, null))
