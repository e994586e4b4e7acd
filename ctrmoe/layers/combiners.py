"""What makes one token of the rows of several ids: `[B, L, d]` and the ids `[B, L]` to `[B, 1, d]`.

Padding counts for nothing; a list of padding alone gives the zero vector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from ctrmoe.layers.fused_table import PADDING


def maximum(ids: Any, rows: Any) -> Any:
    """The largest entry, one for each of the `d`."""
    present = ops.expand_dims(ops.not_equal(ids, PADDING), -1)
    largest = ops.max(ops.where(present, rows, float("-inf")), axis=1, keepdims=True)
    return ops.where(ops.any(present, axis=1, keepdims=True), largest, 0.0)


def mean(ids: Any, rows: Any) -> Any:
    """`(1/q) Σ e` over the `q` ids that are not padding."""
    return ops.sum(rows, axis=1, keepdims=True) / ops.maximum(_count(ids, rows), 1)[:, None, None]


def sqrtn(ids: Any, rows: Any) -> Any:
    """`Σ e / √q`, whose variance does not change with the length of the list."""
    roots = ops.sqrt(ops.maximum(_count(ids, rows), 1))
    return ops.sum(rows, axis=1, keepdims=True) / roots[:, None, None]


def total(ids: Any, rows: Any) -> Any:
    """`Σ e`: the rows of padding are zero."""
    return ops.sum(rows, axis=1, keepdims=True)


def _count(ids: Any, rows: Any) -> Any:
    return ops.sum(ops.cast(ops.not_equal(ids, PADDING), rows.dtype), axis=1)


COMBINERS: dict[str, Callable[[Any, Any], Any]] = {
    "max": maximum,
    "mean": mean,
    "sqrtn": sqrtn,
    "sum": total,
}
