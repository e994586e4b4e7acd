"""Mean of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="ctrmoe")
class MeanPooling(Pooling):
    """Averages the tokens that are not padding: `(1/n) Σ_t s_t`, zeros where there are none.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `sequence` `[B, L, D]`, `mask` `[B, L]`, true where there is no padding, and a `query`
        `[B, D]` that is not read.

    Output shape:
        `[B, D]`.

    Example:

    >>> MeanPooling()(keras.ops.ones((2, 5, 4)), keras.ops.ones((2, 5), "bool")).shape
    TensorShape([2, 4])
    """

    # The registry reads the options off this signature.
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, sequence_shape: Sequence[int | None], query_shape: Any = None) -> None:
        """Nothing: there are no weights."""

    def call(
        self, sequence: Any, mask: Any, query: Any = None, training: bool | None = None
    ) -> Any:
        keep = ops.cast(mask, "bool")
        total = ops.sum(ops.where(keep[:, :, None], sequence, 0.0), axis=1)
        count = ops.sum(ops.cast(keep, total.dtype), axis=1)
        return total / ops.maximum(count, 1)[:, None]
