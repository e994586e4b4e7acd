"""What the numeric embeddings with one token a number share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer


class NumericLayer(keras.layers.Layer):
    """Base: `e = f(x)`, or the trainable vector `m` where `x` is NaN (missing).

    A child gives `embed`, the function `f`, and in `build` its weights, by `add_vectors`.

    Args:
        embedding_dim: Width `D` of the tokens.
        initializer: Initializer of what lies in the space of tokens, `m` among it.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32.

    Output shape:
        `[B, N, D]` in the variables' dtype, whatever the compute dtype.
    """

    def __init__(self, embedding_dim: int, *, initializer: Any = "uniform", **kwargs: Any) -> None:
        # Half precision overflows at 65504, which raw counts and prices exceed.
        super().__init__(**{**kwargs, "autocast": False})
        self.embedding_dim = check_positive_integer("embedding_dim", embedding_dim)
        self.initializer = keras.initializers.get(initializer)

    @abstractmethod
    def embed(self, numbers: Any) -> Any:
        """Returns the tokens `[B, N, D]` of numbers `[B, N]`, none of which is NaN."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.missing = self.add_vectors("missing", (input_shape[-1], self.embedding_dim))

    def add_vectors(self, name: str, shape: Sequence[int | None], initializer: Any = None) -> Any:
        """Adds a weight, of the layer's initializer where none is given."""
        # A clone: an unseeded initializer object repeats its draw.
        initializer = initializer or self.initializer.clone()
        return self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)

    def call(self, inputs: Any) -> Any:
        missing = ops.isnan(inputs)
        # The NaN must leave before `f`: it would stay in the gradient.
        tokens = self.embed(ops.where(missing, 0.0, inputs))
        return ops.where(ops.expand_dims(missing, -1), self.missing, tokens)

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape, self.embedding_dim), dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "initializer": keras.initializers.serialize(self.initializer),
        }
