"""The mean of other tokens, where attention would weigh them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ctrmoe")
class TokenMean(keras.layers.Layer):
    """Gives every query the same mean of other tokens, projected: `mean_n(V_n) W_V`.

    `CrossAttention` with equal weights, without the W_Q and W_K that would weigh the tokens.
    Padding counts for nothing; a row that is all padding gives zeros.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `query` `[B, Q, D]`, `context` `[B, N, D]` and optionally `keep` `[B, N]`, true where
        `context` is no padding.

    Output shape:
        `[B, Q, D]`.
    """

    def build(self, query_shape: Sequence[int | None], context_shape: Sequence[int | None]) -> None:
        shape = (context_shape[-1], query_shape[-1])
        self.value_kernel = self.add_weight(
            shape=shape, initializer="glorot_uniform", name="value_kernel"
        )

    def call(self, query: Any, context: Any, keep: Any = None) -> Any:
        mean = ops.matmul(self._shares(context, keep), context)
        return ops.repeat(ops.matmul(mean, self.value_kernel), query.shape[1], axis=1)

    def attention(self, query: Any, context: Any, keep: Any = None) -> Any:
        """The equal weights as those of one head, `[B, 1, Q, N]`."""
        return ops.repeat(self._shares(context, keep)[:, None], query.shape[1], axis=2)

    def _shares(self, context: Any, keep: Any) -> Any:
        """The weight of each token, `[B, 1, N]`."""
        counted = ops.ones_like(context[:, :, 0])
        if keep is not None:
            counted = ops.cast(keep, counted.dtype)
        return (counted / ops.maximum(ops.sum(counted, axis=1, keepdims=True), 1))[:, None]

    def compute_output_shape(
        self, query_shape: Sequence[int | None], context_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        return tuple(query_shape)
