"""Formulas that have a name, written once for NumPy and for TensorFlow's NumPy interface.

    none              x
    standard          (x - mean) / std, of the training part; std 0 counts as 1
    log               sign(x)·ln(1 + |x|)
    log_square        ln(x)² where x > 2 (rounded down with `truncate`), else x
    sqrt              √x
    sqrt_abs          √|x|
    log1p             ln(1 + x)
    log1p_abs         ln(1 + |x|)
    log_signed        sign(x)·ln|x|
    asinh             ln(x + √(x² + 1))
    log1p_sqrt        ln(1 + x)·√x
    log1p_hundredths  100·ln(1 + x), rounded
    nonzero           1 where x ≠ 0, else 0
    maximum_share     x / maximum of the training part, rounded
    square            x²
    cube              x³
    inverse           1/x, of 0 it is 0
    exp               eˣ
    expm1             eˣ - 1
    sin               sin x
    cos               cos x
    tan               tan x
    arcsin            arcsin x, x clipped to -1 … 1
    arccos            arccos x, x clipped to -1 … 1
    arctan            arctan x
    sign              -1, 0 or 1
    range_share       (x - minimum) / (maximum - minimum) of the training part
    cube_root         ∛x
    logistic          1 / (1 + e⁻ˣ)
    logistic_shifted  1 / (1 + e⁻ˣ⁻⁰·⁵)

Halves are rounded to the even neighbour. Where a formula gives no finite number (`sqrt` below 0,
`log1p` at -1 and below, `log_signed` at 0), the transformed number is missing.

Reference:
    From `sqrt` to `maximum_share` they are OutRank 0.97.5's transformers of its preset `default`,
    from `square` on those that its `extended` has besides (its z-score is `standard`). There a
    minimum, a maximum, a mean are those of a mini-batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias


class Statistics(Protocol):
    """What formulas need to know of the training part."""

    @property
    def mean(self) -> float:
        """Mean of the numbers."""

    @property
    def std(self) -> float:
        """Their standard deviation, never 0."""

    @property
    def lower(self) -> float:
        """Their minimum."""

    @property
    def upper(self) -> float:
        """Their maximum."""


Formula: TypeAlias = Callable[[Any, Any, Statistics, bool], Any]
"""Takes NumPy or its like, float64 numbers, statistics and `truncate`."""


def _log_square(np: Any, x: Any, _: Statistics, truncate: bool) -> Any:
    squares = np.log(np.maximum(x, 2.0)) ** 2
    return np.where(x > 2.0, np.floor(squares) if truncate else squares, x)


def rounded(np: Any, x: Any) -> Any:
    """Rounds halves to even: TensorFlow's `around` wants NumPy's behaviour switched on."""
    up = np.floor(x + 0.5)
    return np.where((up - x == 0.5) & (np.remainder(up, 2.0) == 1.0), up - 1.0, up)


NAMED: dict[str, Formula] = {
    "none": lambda np, x, *_: x,
    "standard": lambda np, x, statistics, _: (x - statistics.mean) / statistics.std,
    "log": lambda np, x, *_: np.sign(x) * np.log1p(np.abs(x)),
    "log_square": _log_square,
    "sqrt": lambda np, x, *_: np.sqrt(x),
    "sqrt_abs": lambda np, x, *_: np.sqrt(np.abs(x)),
    "log1p": lambda np, x, *_: np.log1p(x),
    "log1p_abs": lambda np, x, *_: np.log1p(np.abs(x)),
    "log_signed": lambda np, x, *_: np.sign(x) * np.log(np.abs(x)),
    "asinh": lambda np, x, *_: np.arcsinh(x),
    "log1p_sqrt": lambda np, x, *_: np.log1p(x) * np.sqrt(x),
    "log1p_hundredths": lambda np, x, *_: rounded(np, 100 * np.log1p(x)),
    "nonzero": lambda np, x, *_: np.where(x != 0, 1.0, 0.0),
    "maximum_share": lambda np, x, statistics, _: rounded(np, x / statistics.upper),
    "square": lambda np, x, *_: np.square(x),
    "cube": lambda np, x, *_: x * x * x,
    "inverse": lambda np, x, *_: np.where(x == 0, 0.0, 1.0 / np.where(x == 0, 1.0, x)),
    "exp": lambda np, x, *_: np.exp(x),
    "expm1": lambda np, x, *_: np.expm1(x),
    "sin": lambda np, x, *_: np.sin(x),
    "cos": lambda np, x, *_: np.cos(x),
    "tan": lambda np, x, *_: np.tan(x),
    "arcsin": lambda np, x, *_: np.arcsin(np.clip(x, -1.0, 1.0)),
    "arccos": lambda np, x, *_: np.arccos(np.clip(x, -1.0, 1.0)),
    "arctan": lambda np, x, *_: np.arctan(x),
    "sign": lambda np, x, *_: np.sign(x),
    "range_share": lambda np, x, statistics, _: (
        (x - statistics.lower) / (statistics.upper - statistics.lower)
    ),
    "cube_root": lambda np, x, *_: np.cbrt(x),
    "logistic": lambda np, x, *_: 1.0 / (1.0 + np.exp(-x)),
    "logistic_shifted": lambda np, x, *_: 1.0 / (1.0 + np.exp(-x - 0.5)),
}
