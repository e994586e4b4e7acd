"""Served rows that may have a part in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from ctrmoe.schema import Feature

Columns = Mapping[str, tf.Tensor]


class RawRows:
    """Raw columns, some of which have one row that belongs to all rows.

    Args:
        own: Columns by name, `[B, …]`.
        shared: Columns of one row, `[1, …]`; `[B, …]` is taken too.
    """

    def __init__(self, own: Columns, shared: Columns) -> None:
        self._shared = shared
        self._rows = tf.shape(next(iter(own.values())))[0]
        self._all = {**own, **{name: self._repeated(column) for name, column in shared.items()}}

    def of_feature(
        self, feature: Feature, encode: Callable[[Feature, Columns], tf.Tensor]
    ) -> tf.Tensor:
        """Encodes a feature into `[B, …]`, once where it reads shared columns alone."""
        if columns_of(feature) <= set(self._shared):
            return self._repeated(encode(feature, self._shared))
        return encode(feature, self._all)

    def _repeated(self, column: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(column, (self._rows, tf.shape(column)[1]))


def columns_of(feature: Feature) -> set[str]:
    """Returns the raw columns that a feature reads, that of weights included."""
    return {column.name for column in feature.inputs} | ({feature.weights} - {""})
