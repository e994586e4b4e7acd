"""How far predicted probabilities are from observed rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ctrmoe.metrics._inputs import Scores, as_pair


def expected_calibration_error(
    labels: ArrayLike, logits: ArrayLike, num_bins: int = 20
) -> float | None:
    """Computes the mean gap between predicted and observed rate over bins of equal mass.

    `ECE = Σ_b |Σ_{i∈b} (σ(z_i) - y_i)| / B`. The bins are equal in rows, not in width: click
    probabilities crowd near 0, where bins of equal width would put nearly all rows into one.
    Rows of equal logit stay in one bin, that of the middle of their ranks, so the value does not
    depend on the order of the rows. Twenty bins let the top 5 % of the rows, where most clicks
    lie, have a bin of their own.

    Args:
        labels: 0 or 1, `[B]`.
        logits: Logits, `[B]`.
        num_bins: Number of bins; a bin may stay empty where ties are long.

    Returns:
        The error between 0 and 1, or None without rows.

    Raises:
        ValueError: If a label is not 0 or 1, a logit is NaN, the lengths differ or `num_bins` is
            below 1.

    Reference:
        Nguyen and O'Connor, Posterior calibration and exploratory analysis for natural language
        processing models, 2015, arXiv:1508.05154 (bins of equal count). Ties are not split here.
    """
    if num_bins < 1:
        raise ValueError(f"`num_bins` must be at least 1. Received: num_bins={num_bins}.")
    positive, values = as_pair(labels, logits)
    if not positive.size:
        return None
    order = np.argsort(values)
    gaps = (_sigmoid(values) - positive)[order]
    bins = _equal_mass_bins(values[order], num_bins)
    return float(np.abs(np.bincount(bins, gaps)).sum() / gaps.size)


def pcoc(labels: ArrayLike, logits: ArrayLike) -> float | None:
    """Computes predicted over observed clicks, `Σ σ(z) / Σ y`: 1 is calibrated overall.

    Args:
        labels: 0 or 1, `[B]`.
        logits: Logits, `[B]`.

    Returns:
        The ratio, or None without positives.

    Raises:
        ValueError: If a label is not 0 or 1, a logit is NaN or the lengths differ.
    """
    positive, values = as_pair(labels, logits)
    observed = int(positive.sum())
    return float(_sigmoid(values).sum()) / observed if observed else None


def _equal_mass_bins(values: Scores, num_bins: int) -> NDArray[np.intp]:
    """The bin of each of the sorted values, from the middle rank of those equal to it."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    ends = np.append(starts[1:], values.size)
    return np.repeat(num_bins * (starts + ends) // (2 * values.size), ends - starts)


def _sigmoid(logits: Scores) -> NDArray[np.float64]:
    # Only e^-|z| is taken: it cannot overflow, and small probabilities keep all their digits.
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1.0, small) / (1.0 + small)
