"""An activation that adapts to the distribution of its input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ctrmoe")
class Dice(keras.layers.Layer):
    """Switches between s and α s at the mean of s.

        p(s) = σ((s − E[s]) / √(Var[s] + ε))
        f(s) = p(s) s + (1 − p(s)) α s

    for each unit. E and Var are those of the batch while training, and moving averages otherwise,
    so that a prediction depends on its row alone. α starts at 0.

    Args:
        epsilon: ε.
        momentum: Share that the moving averages keep in a step.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, …, H]` and optionally a `keep` `[B, …]`: where it is false, an entry does not count
        for E and Var.

    Output shape:
        That of the input.

    Reference:
        Zhou et al., Deep Interest Network for Click-Through Rate Prediction, 2018,
        arXiv:1706.06978: the data adaptive activation function.
    """

    def __init__(self, *, epsilon: float = 1e-8, momentum: float = 0.99, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon
        self.momentum = momentum
        self.norm = keras.layers.BatchNormalization(
            center=False,
            scale=False,
            epsilon=epsilon,
            momentum=momentum,
            dtype=self.dtype_policy,
            name="norm",
        )

    def build(self, inputs_shape: Sequence[int | None]) -> None:
        self.norm.build(inputs_shape)
        self.alpha = self.add_weight(shape=(inputs_shape[-1],), initializer="zeros", name="alpha")

    def call(self, inputs: Any, keep: Any = None, training: bool | None = None) -> Any:
        p = ops.sigmoid(self.norm(inputs, training=training, mask=keep))
        return p * inputs + (1 - p) * self.alpha * inputs

    def compute_output_shape(self, inputs_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon, "momentum": self.momentum}
