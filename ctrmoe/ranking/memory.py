"""How much memory counts may take."""

from __future__ import annotations

import math

from ctrmoe.ranking.value_counts import BYTES_PER_VALUE
from ctrmoe.schema import SchemaError

MEMORY = 2 << 30
MIN_VALUES, MAX_VALUES = 1 << 10, 1 << 22


def bytes_in(gibibytes: float) -> int:
    """Returns the bytes in so many GiB.

    Raises:
        SchemaError: When it is no number above 0.
    """
    if not 0 < gibibytes < math.inf:
        raise SchemaError(f"`memory` must be a number of GiB above 0. Received: {gibibytes}.")
    return int(gibibytes * 2**30)


def gibibytes(size: int) -> str:
    """Returns a number of bytes in GiB, never rounded down: what a message names is enough."""
    return f"{math.ceil(size / 2**30 * 10_000) / 10_000:g}"


def bytes_of(tables: int, max_values: int) -> int:
    """Returns the bytes that so many tables take at most."""
    return tables * max_values * BYTES_PER_VALUE


def values_within(memory: int, tables: int) -> int:
    """Returns how many values each of so many tables counts one by one within so many bytes.

    Raises:
        SchemaError: When it would be too few.
    """
    values = memory // (tables * BYTES_PER_VALUE)
    if values < MIN_VALUES:
        least = tables * BYTES_PER_VALUE * MIN_VALUES
        raise SchemaError(
            f"`memory` must be at least {gibibytes(least)} GiB for {tables} tables. Received: "
            f"{gibibytes(memory)} GiB. Raise it, or rank fewer features at once."
        )
    return min(1 << (values.bit_length() - 1), MAX_VALUES)
