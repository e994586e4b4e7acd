"""First centres of clusters."""

from __future__ import annotations

import math
from typing import Any

from keras import ops


def candidates_of(count: int) -> int:
    """How many rows are tried for each of `count` centres."""
    return 2 + int(math.log(count))


def k_means_plus_plus(rows: Any, count: int, draws: Any) -> Any:
    """Chooses `count` of the rows as centres, each far from those before it.

    The first is any row. For each further one, some rows are drawn with a probability that is
    proportional to the squared distance from the nearest centre; the one that leaves the smallest
    sum of these distances is taken. Shapes are static where the number of rows is.

    Args:
        rows: `[B, H]`.
        count: Number of centres, K. Where there are fewer rows, some are chosen again.
        draws: Uniform in [0, 1), `[K, candidates_of(K)]`.

    Returns:
        `[K, H]`.

    Reference:
        Arthur and Vassilvitskii, k-means++: The Advantages of Careful Seeding, 2007, and
        the greedy form, with scikit-learn's number of candidates.
    """
    last = ops.shape(rows)[0] - 1
    squares = ops.sum(ops.square(rows), axis=1)

    def distances(centres: Any) -> Any:
        """`[C, B]`."""
        own = ops.sum(ops.square(centres), axis=1)[:, None]
        product = ops.matmul(centres, ops.transpose(rows))
        return ops.maximum(own + squares - 2 * product, 0)

    first = ops.cast(draws[0, :1] * ops.cast(last + 1, draws.dtype), "int32")
    centres = [ops.take(rows, ops.minimum(first, last), axis=0)]
    nearest = distances(centres[0])[0]
    for step in range(1, count):
        ends = ops.cumsum(nearest)
        targets = draws[step][:, None] * ends[-1]
        places = ops.sum(ops.cast(ends <= targets, "int32"), axis=1)
        tried = ops.take(rows, ops.minimum(places, last), axis=0)
        left = ops.minimum(nearest, distances(tried))
        best = ops.argmin(ops.sum(left, axis=1), keepdims=True)
        centres.append(ops.take(tried, best, axis=0))
        nearest = ops.take(left, best, axis=0)[0]
    return ops.concatenate(centres, axis=0)
