"""Pearson's correlation of many columns at once, its interval, and the multiple correlation."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

# Of the largest singular value: directions below it are rounding, and no information.
RANK_TOLERANCE = 1e-5

Matrix = NDArray[np.float64]


def pearson(columns: NDArray[np.float32], target: NDArray[np.float32]) -> Matrix:
    """Computes `r = Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²)` of each column.

    Args:
        columns: `[n, m]`.
        target: `[n]`.

    Returns:
        `[m]`, NaN where the column or the target is constant.
    """
    return _standardised(columns).T @ _standardised(target[:, None])[:, 0]


def fisher_interval(correlation: Matrix, rows: int, level: float = 0.95) -> tuple[Matrix, Matrix]:
    """Computes the interval `tanh(artanh r ± z / √(n − 3))`.

    Args:
        correlation: Any shape.
        rows: n, the rows that it was computed from.
        level: Coverage.

    Returns:
        The lower and the upper limits; -1 and 1 with three rows or less.

    Reference:
        Fisher, On the "probable error" of a coefficient of correlation, Metron 1 (1921).
    """
    width = np.inf
    if rows > 3:
        width = NormalDist().inv_cdf(0.5 + level / 2) / (rows - 3) ** 0.5
    inside = np.arctanh(np.clip(correlation, -1 + 1e-15, 1 - 1e-15))
    return np.tanh(inside - width), np.tanh(inside + width)


def multiple_correlation(tokens: NDArray[np.float32], targets: NDArray[np.float32]) -> Matrix:
    """Computes the correlation of each target with the linear combination of `tokens` nearest it.

    Args:
        tokens: `[n, D]`, such as a field's token in each row.
        targets: `[n, m]`.

    Returns:
        `[m]` between 0 and 1, NaN where the target is constant.
    """
    centred = tokens.astype(np.float64) - tokens.mean(axis=0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    basis = left[:, values > RANK_TOLERANCE * max(values.max(initial=0.0), RANK_TOLERANCE)]
    shares = basis.T @ _standardised(targets)
    if not basis.shape[1]:
        return np.zeros(targets.shape[1])
    return np.minimum(np.sqrt(np.sum(shares**2, axis=0)), 1.0)


def _standardised(columns: NDArray[np.float32]) -> Matrix:
    """Mean 0 and norm 1, in double precision; NaN where a column is constant."""
    centred = columns.astype(np.float64)
    scale = np.abs(centred).max(axis=0, initial=0.0)
    centred -= centred.mean(axis=0)
    norm = np.sqrt(np.sum(centred**2, axis=0))
    # What the mean's rounding leaves of a constant column is no variation.
    constant = norm <= 1e-12 * np.sqrt(len(columns)) * scale
    return centred / np.where(constant, np.nan, norm)
