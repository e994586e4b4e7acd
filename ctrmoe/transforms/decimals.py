"""Formulas whose result is rounded: `sqrt_to_2` is √x to two decimals.

Reference:
    OutRank 0.97.5's preset `extended_rounded`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from ctrmoe.transforms.formulas import NAMED, Formula, Statistics, rounded

DECIMALS = (1, 2, 3, 4)


def _to(
    np: Any, x: Any, statistics: Statistics, truncate: bool, *, formula: Formula, decimals: int
) -> Any:
    return rounded(np, formula(np, x, statistics, truncate) * 10**decimals) / 10**decimals


def to_decimals(names: Iterable[str]) -> dict[str, Formula]:
    """Returns each of these formulas rounded to each of `DECIMALS`, by name."""
    return {
        f"{name}_to_{decimals}": partial(_to, formula=NAMED[name], decimals=decimals)
        for name in names
        for decimals in DECIMALS
    }
