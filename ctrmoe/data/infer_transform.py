"""Which transform makes a column of numbers easy to learn from."""

from __future__ import annotations

from typing import Any

import numpy as np

SKEWED = 2.0
FREQUENT_SHARE = 0.25
RANGES = 128


def guess_transform(values: np.ndarray) -> tuple[dict[str, Any], str]:
    """Returns options of a numeric feature with such values, and why.

    A number that is the same in many rows, as 0 is of amounts that few people have, says two
    things: whether there is an amount, and how large it is. A line through both says neither: such
    numbers are cut into ranges, of which the frequent value is one.

    Args:
        values: Finite numbers, `[rows]`.
    """
    found, rows = np.unique(values, return_counts=True)
    if len(values) and rows.max() >= FREQUENT_SHARE * len(values):
        share = f"{found[rows.argmax()]:g} in {rows.max() / len(values):.0%} of the rows"
        return {"transform": "quantile", "buckets": RANGES}, f"{share}: ranges"
    transform, why = _formula(values)
    return {"transform": transform}, why


def _formula(values: np.ndarray) -> tuple[str, str]:
    before = skewness(values)
    plain = f"skewness {before:.1f}"
    # Counts with a small negative code, such as -1 for "none", are still skewed counts.
    if abs(before) <= SKEWED or values.min() < -0.01 * values.max():
        return "standard", plain
    after = {
        "log": skewness(np.sign(values) * np.log1p(np.abs(values))),
        "log_square": skewness(np.where(values > 2, np.log(np.maximum(values, 2)) ** 2, values)),
    }
    best = min(after, key=lambda name: abs(after[name]))
    if abs(after[best]) > 0.75 * abs(before):
        return "standard", f"{plain}, hardly less after a logarithm"
    return best, f"{plain}, {after[best]:.1f} after {best}"


def skewness(values: np.ndarray) -> float:
    """Returns E[(x - mean)^3] / deviation^3, 0 of constant values."""
    if not len(values):
        return 0.0
    scaled = (values - values.mean()) / (values.std() or 1.0)
    return float((scaled * scaled * scaled).mean())
