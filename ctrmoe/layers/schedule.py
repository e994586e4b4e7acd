"""Numbers that change with the training step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from keras import ops

from ctrmoe.layers._checks import check_not_negative, check_positive_integer
from ctrmoe.layers.registry import create


class Schedule:
    """A number that is constant, or goes from one value to another while training.

    Args:
        name: Of the option, for errors.
        value: The number; or `kind` (`linear` or `cosine`), `start`, `end` and `steps`: the number
            is `start` at step 0, `end` from step `steps` on, and between them it follows a straight
            line or half a wave of a cosine.

    Raises:
        ValueError: If a number is negative, or an option of a kind is missing or unknown.

    Example:

    >>> weight = Schedule("weight", {"kind": "linear", "start": 1.0, "end": 0.0, "steps": 4})
    >>> float(weight({"step": 1}))
    0.75
    """

    def __init__(self, name: str, value: float | Mapping[str, Any]) -> None:
        self.value = value
        self.curve = None
        if isinstance(value, Mapping):
            self.curve = create(CURVES, **value)
        else:
            check_not_negative(name, value)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the context must hold."""
        return ("step",) if self.curve else ()

    def __call__(self, context: Mapping[str, Any]) -> Any:
        """The number at `context["step"]`."""
        if self.curve is None:
            return self.value
        return self.curve(ops.cast(context["step"], "float32"))


class _Linear:
    def __init__(self, start: float, end: float, steps: int) -> None:
        self.start = check_not_negative("start", start)
        self.end = check_not_negative("end", end)
        self.steps = check_positive_integer("steps", steps)

    def __call__(self, step: Any) -> Any:
        share = self.share(ops.minimum(step / self.steps, 1.0))
        return self.start + (self.end - self.start) * share

    def share(self, progress: Any) -> Any:
        return progress


class _Cosine(_Linear):
    def share(self, progress: Any) -> Any:
        return (1 - ops.cos(math.pi * progress)) / 2


CURVES: dict[str, type[Any]] = {"cosine": _Cosine, "linear": _Linear}
