"""Tables of names by names as matrices."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np


def matrix_of(
    cells: Iterable[tuple[Hashable, Hashable, float | None]],
    rows: Sequence[Hashable],
    columns: Sequence[Hashable],
) -> np.ndarray:
    """Returns values as `[rows, columns]`, NaN where there is none.

    Args:
        cells: Row, column and value; those of other rows and columns are left out.
        rows: Names of the rows.
        columns: Names of the columns.
    """
    matrix = np.full((len(rows), len(columns)), np.nan)
    row_of, column_of = _places(rows), _places(columns)
    for row, column, value in cells:
        if row in row_of and column in column_of and value is not None:
            matrix[row_of[row], column_of[column]] = value
    return matrix


def symmetric(matrix: np.ndarray) -> np.ndarray:
    """Returns a matrix of which one half is known with both halves."""
    return np.where(np.isnan(matrix), matrix.T, matrix)


def _places(names: Sequence[Hashable]) -> Mapping[Hashable, int]:
    return {name: place for place, name in enumerate(names)}
