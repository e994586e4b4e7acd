"""The rows in which a sub-feature has its value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Holds in the rows in which a column has a value; a missing one never is that value.

    Args:
        column: A raw column of categories.
        equals: The value; a number for whole numbers. `prepare` brings it to the column's type.
    """

    column: str
    equals: str | int
