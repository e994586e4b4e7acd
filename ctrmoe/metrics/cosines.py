"""How alike the directions of vectors are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cosines(vectors: ArrayLike) -> NDArray[np.float64]:
    """Computes the cosine between each two rows; 0 where one is a row of zeros.

    Args:
        vectors: `[K, H]`.

    Returns:
        `[K, K]`, between -1 and 1.
    """
    rows: NDArray[Any] = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return np.clip(directions @ directions.T, -1.0, 1.0)


def mean_cosine(vectors: ArrayLike) -> float:
    """Computes the mean of `cosines` over pairs of different rows; 0 of a single row."""
    matrix = cosines(vectors)
    count = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / max(count * (count - 1), 1))
