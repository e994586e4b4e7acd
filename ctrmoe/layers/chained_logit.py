"""The logit of one task that can only follow another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ctrmoe")
class ChainedLogit(keras.layers.Layer):
    """Logit of a product of two probabilities, such as click and conversion after a click:

        σ(logit) = σ(first) · σ(second)

    Both are trained on all rows, and `second` is the logit given the first event although no loss
    sees it alone. The sum of logarithms `1 − σ(first) σ(second) = σ(−first) + σ(first) σ(−second)`
    keeps the digits that a product near 0 or 1 would lose.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[first, second]`, `[B]` each.

    Output shape:
        `[B]`, float32.

    Reference:
        Ma et al., Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click
        Conversion Rate, 2018, arXiv:1804.07931.

    Example:

    >>> float(ChainedLogit()([keras.ops.zeros(1), keras.ops.zeros(1)])[0])  # log(1/4 / 3/4)
    -1.0986...
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})

    def call(self, inputs: Sequence[Any]) -> Any:
        first, second = (ops.cast(logit, "float32") for logit in inputs)
        both = ops.log_sigmoid(first) + ops.log_sigmoid(second)
        not_both = ops.logaddexp(
            ops.log_sigmoid(-first), ops.log_sigmoid(first) + ops.log_sigmoid(-second)
        )
        return both - not_both

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs: Sequence[Any]) -> Any:
        return keras.KerasTensor(inputs[0].shape, "float32")
