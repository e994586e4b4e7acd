"""Checks of constructor arguments that several layers share."""

from __future__ import annotations

import math
from typing import Any


def check_positive_integer(name: str, value: Any) -> int:
    """Returns `value` if it is an integer above zero."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return value


def check_tokens(shape: Any, name: str = "inputs") -> tuple[int, int]:
    """Returns F and D of the shape of tokens if it is `[B, F, D]` and they are known."""
    if len(shape) != 3 or None in shape[1:]:
        raise ValueError(
            f"`{name}` must be tokens `[B, F, D]` with known F and D. "
            f"Received: shape={tuple(shape)}."
        )
    return int(shape[1]), int(shape[2])


def check_rate(name: str, value: Any) -> float:
    """Returns `value` if it is a share in [0, 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must lie in [0, 1). Received: {name}={value!r}.")
    return float(value)


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """Returns `value` if it is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}.")
    return value


def check_positive(name: str, value: Any) -> float:
    """Returns `value` if it is a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"`{name}` must be a positive number. Received: {name}={value!r}.")
    return float(value)


def check_not_negative(name: str, value: Any) -> float:
    """Returns `value` if it is a finite number, zero or above."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"`{name}` must not be negative. Received: {name}={value!r}.")
    return float(value)
