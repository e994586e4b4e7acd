"""Sines and cosines of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive, check_positive_integer
from ctrmoe.layers.numeric.numeric_layer import NumericLayer


@keras.saving.register_keras_serializable(package="ctrmoe")
class PeriodicEmbedding(NumericLayer):
    """Projects sines and cosines of trainable frequencies `c`, drawn from N(0, σ²):

        e = f([sin(2π c x), cos(2π c x)] W + b)

    Every field has its own `c` (K entries), `W` (2K × D) and `b`. Give the numbers a transform
    that leaves them near ±1, such as `standard`.

    Args:
        embedding_dim: Width `D` of the tokens.
        num_frequencies: Number `K` of frequencies.
        sigma: Standard deviation σ of the initial frequencies, the option that matters most: the
            larger, the finer are the differences that the tokens show.
        activation: `f`; ReLU is the paper's PLR form, None its PL form.
        initializer: Initializer of the vector of missing numbers.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32.

    Output shape:
        `[B, N, D]` in the variables' dtype, whatever the compute dtype.

    Raises:
        ValueError: If an option is outside its range.

    Reference:
        Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning, 2022,
        arXiv:2203.05556. The vector of missing numbers is not in the paper.

    Example:

    >>> PeriodicEmbedding(4)(keras.ops.ones((2, 3))).shape
    TensorShape([2, 3, 4])
    """

    def __init__(
        self,
        embedding_dim: int,
        *,
        num_frequencies: int = 16,
        sigma: float = 0.1,
        activation: Any = "relu",
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(embedding_dim, initializer=initializer, **kwargs)
        self.num_frequencies = check_positive_integer("num_frequencies", num_frequencies)
        self.sigma = check_positive("sigma", sigma)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        fields, count, dim = input_shape[-1], self.num_frequencies, self.embedding_dim
        normal = keras.initializers.RandomNormal(stddev=self.sigma)
        self.frequencies = self.add_vectors("frequencies", (fields, count), normal)
        limit = (6 / (2 * count + dim)) ** 0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernels = self.add_vectors("kernels", (fields, 2 * count, dim), uniform)
        self.biases = self.add_vectors("biases", (fields, dim), keras.initializers.Zeros())

    def embed(self, numbers: Any) -> Any:
        angles = 2 * math.pi * ops.expand_dims(numbers, -1) * self.frequencies
        waves = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return self.activation(ops.einsum("bnk,nkd->bnd", waves, self.kernels) + self.biases)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_frequencies": self.num_frequencies,
            "sigma": self.sigma,
            "activation": keras.activations.serialize(self.activation),
        }
