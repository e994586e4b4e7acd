"""Transforms of numbers, each written once for NumPy and for TensorFlow's NumPy interface."""

from __future__ import annotations

from ctrmoe.transforms.decimals import to_decimals
from ctrmoe.transforms.formulas import NAMED, Formula, Statistics
from ctrmoe.transforms.thresholds import ABOVE

__all__ = ["FORMULAS", "INCREASING", "PRESETS", "Formula", "Statistics"]

_DEFAULT = tuple(NAMED)[4:14]
_EXTENDED = (*_DEFAULT, "standard", *tuple(NAMED)[14:])
_ROUNDED = to_decimals(_EXTENDED)

FORMULAS: dict[str, Formula] = {**NAMED, **ABOVE, **_ROUNDED}
"""What `transform` may be, but for `quantile`."""

INCREASING = frozenset({"none", "quantile", "standard", "log", "asinh", "cube_root"})
"""Transforms that keep the order of any two numbers."""

PRESETS = {
    "minimal": ("sqrt", "log1p", "sqrt_abs", "log1p_abs"),
    "default": _DEFAULT,
    "fw": (*_DEFAULT, *ABOVE),
    "extended": _EXTENDED,
    "extended_rounded": tuple(_ROUNDED),
}
"""OutRank's presets but for `verbose`, which adds what is no function of a number: sums over the
rows before it, constants of the batch, sorting."""
