"""The plainest classifier."""

from __future__ import annotations

from typing import Any

import keras

from ctrmoe.layers.classifiers.classifier import Classifier, flatten


@keras.saving.register_keras_serializable(package="ctrmoe")
class MLPClassifier(Classifier):
    """`MLP(x_1 ⊕ … ⊕ x_N)`; its arguments are those of `Classifier`.

    Input shape:
        `[B, N, D]`.

    Output shape:
        `[B, units[-1]]`.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> MLPClassifier([8, 4])(keras.ops.ones((2, 3, 5))).shape
    TensorShape([2, 4])
    """

    def _features(self, tokens: Any) -> Any:
        return flatten(tokens)

    def _width(self, tokens: int, dim: int) -> int:
        return tokens * dim
