"""A logit by one dense layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers.routing.scorers.scorer import Scorer


@keras.saving.register_keras_serializable(package="ctrmoe")
class LinearScorer(Scorer):
    """`z = x W + b`, the gate of most mixtures.

    Args:
        num_experts: Number of experts, E.
        use_bias: Whether there is a `b`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E]`, float32.

    Reference:
        Ma et al., Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts, 2018, the gates without the softmax, which is the selector's.
    """

    def __init__(self, num_experts: int, *, use_bias: bool = False, **kwargs: Any) -> None:
        super().__init__(num_experts, **kwargs)
        self.use_bias = use_bias
        self.dense = keras.layers.Dense(
            num_experts, use_bias=use_bias, dtype="float32", name="logits"
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.dense.build(input_shape)

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        return self.dense(inputs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "use_bias": self.use_bias}
