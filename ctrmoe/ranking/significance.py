"""p-values of many features together."""

from __future__ import annotations

import numpy as np


def q_values(p_values: np.ndarray) -> np.ndarray:
    """Returns the smallest false-discovery rate at which each feature is a discovery.

    q_(i) = min_{j ≥ i} m p_(j) / j for the m p-values in ascending order; NaN stays NaN.

    Reference:
        Benjamini, Hochberg, 1995, "Controlling the false discovery rate", JRSS B 57.
    """
    result, order = p_values.copy(), _ascending(p_values)
    scaled = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return result


def family_p_values(p_values: np.ndarray) -> np.ndarray:
    """Returns the smallest probability of any false discovery at which each feature is one.

    p_(i) becomes max_{j ≤ i} (m - j + 1) p_(j); NaN stays NaN.

    Reference:
        Holm, 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6.
    """
    result, order = p_values.copy(), _ascending(p_values)
    scaled = p_values[order] * np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return result


def _ascending(p_values: np.ndarray) -> np.ndarray:
    """Returns the places of the p-values that are defined, in ascending order."""
    return np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
