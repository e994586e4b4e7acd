"""DeepFM: products of fields beside an MLP."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from ctrmoe.layers.classifiers.classifier import Classifier, flatten
from ctrmoe.layers.interactions.fm import sum_of_products


@keras.saving.register_keras_serializable(package="ctrmoe")
class DeepFM(Classifier):
    """`MLP(x_1 ⊕ … ⊕ x_N) ⊕ Σ_{i<j} x_i ⊙ x_j`; its arguments are those of `Classifier`.

    Input shape:
        `[B, N, D]`.

    Output shape:
        `[B, units[-1] + D]`.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Guo et al., DeepFM: A Factorization-Machine based Neural Network for CTR Prediction, 2017,
        arXiv:1703.04247. The paper adds up the D entries of the products;
        here the logit that follows has a weight for each. Its first-order term is a wide part.

    Example:

    >>> DeepFM([8, 4])(keras.ops.ones((2, 3, 5))).shape
    TensorShape([2, 9])
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        hidden = super().call(inputs, training=training)
        return ops.concatenate([hidden, sum_of_products(inputs)], axis=1)

    def _features(self, tokens: Any) -> Any:
        return flatten(tokens)

    def _width(self, tokens: int, dim: int) -> int:
        return tokens * dim

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (input_shape[0], self.mlp.units[-1] + input_shape[2])
