"""Tokens of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer


@keras.saving.register_keras_serializable(package="ctrmoe")
class NumericEmbedding(keras.layers.Layer):
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
        Song et al., AutoInt, 2019, arXiv:1810.11921, equation (4); `m` is not in the paper.

    Example:

    >>> NumericEmbedding(4)(keras.ops.ones((2, 3))).shape
    TensorShape([2, 3, 4])
    """

    def __init__(self, embedding_dim: int, *, initializer: Any = "uniform", **kwargs: Any) -> None:
        # Half precision overflows at 65504, which raw counts and prices exceed.
        super().__init__(**{**kwargs, "autocast": False})
        self.embedding_dim = check_positive_integer("embedding_dim", embedding_dim)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = (input_shape[-1], self.embedding_dim)
        self.vectors = self._vectors("vectors", shape)
        self.missing = self._vectors("missing", shape)

    def _vectors(self, name: str, shape: tuple[int | None, int]) -> Any:
        # A clone: an unseeded initializer object repeats its draw.
        initializer = self.initializer.clone()
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def call(self, inputs: Any) -> Any:
        missing = ops.isnan(inputs)
        # The NaN must leave before the product: 0 · NaN is NaN in the gradient of `v`.
        x = ops.expand_dims(ops.where(missing, 0.0, inputs), -1)
        flag = ops.expand_dims(ops.cast(missing, x.dtype), -1)
        return x * self.vectors + flag * self.missing

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape, self.embedding_dim), dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "initializer": keras.initializers.serialize(self.initializer),
        }
