"""The checks that every figure makes of its labels and scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Labels = NDArray[np.bool_]
Scores = NDArray[Any]


def as_labels(values: ArrayLike, name: str = "labels") -> Labels:
    """Returns 0/1 values as booleans."""
    array = _vector(values, name)
    if array.dtype == np.bool_:
        return array
    positive: Labels = np.asarray(array == 1)
    wrong = ~(positive | np.asarray(array == 0))
    if wrong.any():
        raise ValueError(
            f"`{name}` must be 0 or 1. Received: {int(wrong.sum())} other values among "
            f"{array.size}, the first is {array[wrong][0]} in row {int(wrong.argmax())}. "
            "Drop those rows or mend the label column."
        )
    return positive


def as_scores(values: ArrayLike, name: str = "scores") -> Scores:
    """Returns scores as float32 or float64, none of them NaN."""
    array = _vector(values, name)
    if array.dtype not in (np.float32, np.float64):
        # bfloat16 and float16 fit float32; whole numbers may need more than its 24 bits.
        array = array.astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
    missing = np.isnan(array)
    if missing.any():
        raise ValueError(
            f"`{name}` must not be NaN. Received: {int(missing.sum())} NaN among {array.size}, "
            f"the first in row {int(missing.argmax())}. Look for a training run that diverged."
        )
    return array


def check_lengths(**columns: Any) -> None:
    """Checks that all columns have as many rows as the first."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        received = ", ".join(f"len({name})={length}" for name, length in lengths.items())
        raise ValueError(
            f"`{next(iter(lengths))}` must have one row for each of the others. "
            f"Received: {received}."
        )


def as_pair(labels: ArrayLike, scores: ArrayLike) -> tuple[Labels, Scores]:
    """Returns checked labels and scores of the same length."""
    pair = as_labels(labels), as_scores(scores)
    check_lengths(labels=pair[0], scores=pair[1])
    return pair


def _vector(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            f"`{name}` must be one-dimensional. Received: shape={array.shape}. "
            "Take one column, or call `.reshape(-1)`."
        )
    return array
