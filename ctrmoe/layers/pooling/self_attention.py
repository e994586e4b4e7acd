"""Mean of a sequence whose tokens have attended to one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.interactions.cross_attention import CrossAttention
from ctrmoe.layers.pooling.mean import MeanPooling
from ctrmoe.layers.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="ctrmoe")
class SelfAttentionPooling(Pooling):
    """Averages `softmax(S W_Q (S W_K)ᵀ / √d_k) S W_V` over the tokens that are not padding.

    Padding is no key either; a row of padding gives zeros. Time and memory grow as `L²`.

    Args:
        num_heads: Number of heads, H. Each is `d_k = D / H` wide and they are concatenated.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `sequence` `[B, L, D]`, `mask` `[B, L]`, true where there is no padding, and a `query`
        `[B, D]` that is not read.

    Output shape:
        `[B, D]`.

    Raises:
        ValueError: If `num_heads` is no positive integer or does not divide D.

    Reference:
        Vaswani et al., Attention Is All You Need, 2017, arXiv:1706.03762, without an output
        projection.

    Example:

    >>> pooling = SelfAttentionPooling(num_heads=2)
    >>> pooling(keras.ops.ones((2, 5, 4)), keras.ops.ones((2, 5), "bool")).shape
    TensorShape([2, 4])
    """

    def __init__(self, *, num_heads: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads = check_positive_integer("num_heads", num_heads)
        self.attention = CrossAttention(num_heads, dtype=self.dtype_policy, name="attention")
        self.mean = MeanPooling(dtype=self.dtype_policy, name="mean")

    def build(self, sequence_shape: Sequence[int | None], query_shape: Any = None) -> None:
        self.attention.build(sequence_shape, sequence_shape)

    def call(
        self, sequence: Any, mask: Any, query: Any = None, training: bool | None = None
    ) -> Any:
        keep = ops.cast(mask, "bool")
        # Whatever padding holds would still reach a score, where NaN is no longer masked.
        sequence = ops.where(keep[:, :, None], sequence, 0.0)
        return self.mean(self.attention(sequence, sequence, keep=keep), keep)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_heads": self.num_heads}
