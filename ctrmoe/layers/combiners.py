"""What makes one token of the rows of several ids: `[B, L, d]` and the ids `[B, L]` to `[B, 1, d]`.

Padding counts for nothing; a list of padding alone gives the zero vector. The weights `w` `[B, L]`
are 1 where a field has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from ctrmoe.layers.fused_table import PADDING


def maximum(ids: Any, rows: Any, weights: Any = None) -> Any:
    """The largest entry, one for each of the `d`; it has no weighted form."""
    present = ops.expand_dims(ops.not_equal(ids, PADDING), -1)
    largest = ops.max(ops.where(present, rows, float("-inf")), axis=1, keepdims=True)
    return ops.where(ops.any(present, axis=1, keepdims=True), largest, 0.0)


def mean(ids: Any, rows: Any, weights: Any = None) -> Any:
    """`Σ w e / Σ w` over the ids that are not padding."""
    if weights is not None:
        return total(ids, rows, weights) / _not_zero(ops.sum(_of_present(ids, rows, weights), 1))
    return ops.sum(rows, axis=1, keepdims=True) / ops.maximum(_count(ids, rows), 1)[:, None, None]


def sqrtn(ids: Any, rows: Any, weights: Any = None) -> Any:
    """`Σ w e / √(Σ w²)`, whose variance does not change with the length of the list."""
    if weights is not None:
        squares = ops.sum(ops.square(_of_present(ids, rows, weights)), 1)
        return total(ids, rows, weights) / ops.sqrt(_not_zero(squares))
    roots = ops.sqrt(ops.maximum(_count(ids, rows), 1))
    return ops.sum(rows, axis=1, keepdims=True) / roots[:, None, None]


def total(ids: Any, rows: Any, weights: Any = None) -> Any:
    """`Σ w e`: the rows of padding are zero."""
    if weights is not None:
        rows = rows * ops.expand_dims(ops.cast(weights, rows.dtype), -1)
    return ops.sum(rows, axis=1, keepdims=True)


def _count(ids: Any, rows: Any) -> Any:
    return ops.sum(ops.cast(ops.not_equal(ids, PADDING), rows.dtype), axis=1)


def _of_present(ids: Any, rows: Any, weights: Any) -> Any:
    return ops.cast(ops.where(ops.not_equal(ids, PADDING), weights, 0.0), rows.dtype)


def _not_zero(divisor: Any) -> Any:
    """A divisor `[B]` as `[B, 1, 1]`, 1 where it is 0: a sum of nothing is to stay zero."""
    return ops.where(divisor > 0, divisor, 1.0)[:, None, None]


COMBINERS: dict[str, Callable[..., Any]] = {
    "max": maximum,
    "mean": mean,
    "sqrtn": sqrtn,
    "sum": total,
}
