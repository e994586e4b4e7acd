"""Where a number lies on an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_DISTANCE = 0.22
"""Between ticks, as a share of the axis: their texts stay apart on a phone."""
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis, linear or, with `linear`, of asinh(x / linear).

    The latter is linear near 0 and logarithmic beyond `linear`, on both sides: scores of very
    different sizes and noise around 0 are both to be seen.

    Args:
        low: Left end.
        high: Right end, above `low`.
        linear: Up to where about the axis is linear; 0 for all of it.
    """

    low: float
    high: float
    linear: float = 0.0

    @classmethod
    def around(cls, values: Sequence[float] | np.ndarray, linear: float = 0.0) -> Scale:
        """Returns the axis that holds all of the values that are finite, with a small margin."""
        known = np.asarray(values, float)
        known = known[np.isfinite(known)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        if high <= low:
            low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
        bare = cls(low, high, linear)
        ends = bare._bent(np.array([low, high]))
        margin = 0.03 * (ends[1] - ends[0])
        first, last = bare._straight(ends + [-margin, margin])
        return cls(float(first), float(last), linear)

    def place(self, value: float) -> float:
        """Returns where a number lies, from 0 at the left end to 1; outside, the end."""
        low, high, bent = self._bent(np.array([self.low, self.high, value]))
        return float(np.clip((bent - low) / (high - low), 0.0, 1.0))

    def ticks(self) -> list[float]:
        """Returns round numbers in ascending order, few enough for their texts to stay apart."""
        if not self.linear:
            return self._even()
        powers = [10.0**k for k in range(_power(self.linear), _power(self._reach) + 1)]
        # The largest first: without them the axis could not be read.
        sides = [side * power for power in reversed(powers) for side in (1, -1)]
        chosen = self._chosen([0.0, *sides])
        return sorted(chosen if len(chosen) > 1 else self._chosen([*chosen, *self._even()]))

    @property
    def _reach(self) -> float:
        return max(abs(self.low), abs(self.high))

    def _chosen(self, ticks: Sequence[float]) -> list[float]:
        chosen: list[float] = []
        for tick in ticks:
            if self.low <= tick <= self.high and all(self._apart(tick, o) for o in chosen):
                chosen.append(tick)
        return chosen

    def _apart(self, first: float, second: float) -> bool:
        return abs(self.place(first) - self.place(second)) >= MIN_DISTANCE

    def _even(self) -> list[float]:
        rough = (self.high - self.low) * MIN_DISTANCE
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * s for s in _STEPS if unit * s >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _bent(self, values: np.ndarray) -> np.ndarray:
        return np.arcsinh(values / self.linear) if self.linear else values

    def _straight(self, values: np.ndarray) -> np.ndarray:
        return np.sinh(values) * self.linear if self.linear else values


def number_text(value: float) -> str:
    """Returns a number in three significant digits, a large one without those behind its point."""
    if 1_000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:z.3g}".replace("e-0", "e-").replace("e+0", "e")


def _power(value: float) -> int:
    return math.floor(math.log10(value))
