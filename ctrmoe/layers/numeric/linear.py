"""Tokens of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.numeric.numeric_layer import NumericLayer


@keras.saving.register_keras_serializable(package="ctrmoe")
class NumericEmbedding(NumericLayer):
    """Scales a trainable vector by the number: `e = v · x`, or `e = m` where `x` is NaN (missing).

    Args:
        embedding_dim: Width `D` of the tokens.
        initializer: Initializer of the vectors `v` and `m` of every field.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32.

    Output shape:
        `[B, N, D]` in the variables' dtype, whatever the compute dtype.

    Reference:
        Song et al., AutoInt, 2019, arXiv:1810.11921; `m` is not in the paper.

    Example:

    >>> NumericEmbedding(4)(keras.ops.ones((2, 3))).shape
    TensorShape([2, 3, 4])
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.vectors = self.add_vectors("vectors", (input_shape[-1], self.embedding_dim))
        super().build(input_shape)

    def embed(self, numbers: Any) -> Any:
        return ops.expand_dims(numbers, -1) * self.vectors
