"""Whether a share differs by more than chance."""

from __future__ import annotations

import math

DEVIATIONS = 5.0
"""Standard errors that a difference must pass: chance does so once in a million."""


def differs(count: int, rows: int, other_count: int, other_rows: int) -> bool:
    """Whether two shares differ by more than chance, by the test of two proportions."""
    if not (rows and other_rows):
        return False
    share = (count + other_count) / (rows + other_rows)
    error = math.sqrt(share * (1 - share) * (1 / rows + 1 / other_rows))
    return abs(count / rows - other_count / other_rows) > DEVIATIONS * error
