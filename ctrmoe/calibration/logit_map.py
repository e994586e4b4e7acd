"""A map from logits to logits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Positives = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LogitMap:
    """A piecewise linear map that rises everywhere, so that it keeps the order of the rows.

    It runs through the points `(x[k], y[k])` and goes on with `slope` before the first and after
    the last of them.

    Args:
        x: Logits, rising.
        y: What they are mapped to, rising.
        slope: Above 0.

    Raises:
        ValueError: If a number is not finite, or the map does not rise.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: float

    def __post_init__(self) -> None:
        numbers = (*self.x, *self.y, self.slope)
        same = len(self.x) == len(self.y) >= 1
        rises = all(a < b for points in (self.x, self.y) for a, b in pairwise(points))
        if not (same and rises and self.slope > 0 and all(map(math.isfinite, numbers))):
            raise ValueError(
                "`x` and `y` must be as many finite numbers that rise, and `slope` be above 0. "
                f"Received: x={self.x}, y={self.y}, slope={self.slope}."
            )

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> LogitMap:
        """Reads what `to_dict` wrote."""
        return cls(tuple(table["x"]), tuple(table["y"]), table["slope"])

    def to_dict(self) -> dict[str, Any]:
        """Returns the map in a form that JSON takes."""
        return asdict(self)

    def __call__(self, logits: ArrayLike) -> Floats:
        """Returns the mapped logits, in double precision."""
        values = np.asarray(logits, np.float64)
        starts, heights, slopes = self.pieces()
        piece = np.searchsorted(self.x, values, side="right")
        return heights[piece] + slopes[piece] * (values - starts[piece])

    def pieces(self) -> tuple[Floats, Floats, Floats]:
        """Returns start, height and slope of each piece; piece k lies after k of the points."""
        x, y = np.array(self.x), np.array(self.y)
        slopes = np.concatenate([[self.slope], np.diff(y) / np.diff(x), [self.slope]])
        return np.concatenate([x[:1], x]), np.concatenate([y[:1], y]), slopes
