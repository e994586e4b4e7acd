"""Trainable tokens that every row starts from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer


@keras.saving.register_keras_serializable(package="ctrmoe")
class TaskTokens(keras.layers.Layer):
    """Gives every row the same trainable tokens, one for each task or shared by all.

    Args:
        count: Number of tokens.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`, of which only the number of rows and the width are read.

    Output shape:
        `[B, count, D]`.

    Raises:
        ValueError: If `count` is no positive integer.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = check_positive_integer("count", count)

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.tokens = self.add_weight(
            shape=(self.count, input_shape[-1]), initializer="random_normal", name="tokens"
        )

    def call(self, inputs: Any) -> Any:
        # Read here, where autocast applies, and not by the layer around.
        tokens = ops.convert_to_tensor(self.tokens)
        return ops.broadcast_to(tokens, (ops.shape(inputs)[0], *tokens.shape))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.count, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
