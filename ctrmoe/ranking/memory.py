"""How much memory counts may take."""

from __future__ import annotations

from ctrmoe.ranking.value_counts import BYTES_PER_VALUE
from ctrmoe.schema import SchemaError

MEMORY = 2 << 30
MIN_VALUES, MAX_VALUES = 1 << 10, 1 << 22


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
            f"`memory` must be at least {least / 2**30:.3f} GiB for {tables} tables. Received: "
            f"{memory / 2**30:.3f} GiB. Raise it, or rank fewer features at once."
        )
    return min(1 << (values.bit_length() - 1), MAX_VALUES)
