"""A logit by an MLP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers.mlp import MLP
from ctrmoe.layers.routing.scorers.scorer import Scorer


@keras.saving.register_keras_serializable(package="ctrmoe")
class MLPScorer(Scorer):
    """`z = MLP(x) W + b`, for choices that are not linear in the row.

    Args:
        num_experts: Number of experts, E.
        units: Widths of the MLP.
        activation: Activation of the MLP.
        dropout: Share of outputs set to zero while training, after every layer of the MLP.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E]`, float32.

    Raises:
        ValueError: If a width is not a positive integer or `units` is empty.
    """

    def __init__(
        self,
        num_experts: int,
        units: Sequence[int] = (64,),
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        self.mlp = MLP(units, activation=activation, dropout=dropout, dtype="float32", name="mlp")
        self.dense = keras.layers.Dense(num_experts, dtype="float32", name="logits")

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.mlp.build(input_shape)
        self.dense.build(self.mlp.compute_output_shape(input_shape))

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        return self.dense(self.mlp(inputs, training=training))

    def get_config(self) -> dict[str, Any]:
        mlp = self.mlp.get_config()
        names = ("units", "activation", "dropout")
        return {**super().get_config(), **{name: mlp[name] for name in names}}
