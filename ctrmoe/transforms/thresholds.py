"""Formulas that leave small numbers as they are and take large ones coarsely.

    sqrt_above_8_by_10    x where x < 8, 0 at 8, above it √(x - 8)·10, rounded
    log_above_0.16_by_1   x where x < 0.16, 0 at 0.16, above it ln(x - 0.16), rounded

Counts of clicks or views have few small values that each mean something, and a long tail in which
only the size does.

Reference:
    OutRank 0.97.5's preset `fw-transformers`: both functions, four resolutions, eight thresholds
    for counts and a hundredth of each for shares.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ctrmoe.transforms.formulas import Formula, rounded

THRESHOLDS = (1, 2, 4, 8, 16, 32, 64, 96)
RESOLUTIONS = (1, 10, 50, 100)


def _above(np: Any, x: Any, *_: Any, function: str, threshold: float, resolution: int) -> Any:
    excess = np.where(x > threshold, x - threshold, 1.0)
    coarse = rounded(np, getattr(np, function)(excess) * resolution)
    return np.where(x < threshold, x, np.where(x > threshold, coarse, 0.0))


ABOVE: dict[str, Formula] = {
    f"{function}_above_{threshold:g}_by_{resolution}": partial(
        _above, function=function, threshold=threshold, resolution=resolution
    )
    for threshold in (*THRESHOLDS, *(threshold / 100 for threshold in THRESHOLDS))
    for resolution in RESOLUTIONS
    for function in ("sqrt", "log")
}
