"""A task's head."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_rate
from ctrmoe.layers.mlp import MLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class Tower(keras.layers.Layer):
    """Logit of one task: `logit = wᵀ MLP(flatten(x)) + b`, without the MLP if `units` is empty.

    The last product is computed in float32 under mixed precision, because the loss and AUC
    need more digits than half precision has.

    Args:
        units: Widths of the hidden layers.
        activation: Activation of the hidden layers.
        dropout: Share of outputs set to zero while training, after every hidden layer.
        batch_normalization: Normalises the hidden layers before their activation.
        use_bias: Whether there is a `b`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened.

    Output shape:
        `[B]`, float32.

    Example:

    >>> Tower([16])(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2])
    """

    def __init__(
        self,
        units: Sequence[int] = (),
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_normalization: bool = False,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = list(units)
        self.activation = keras.activations.get(activation)
        self.dropout = check_rate("dropout", dropout)
        self.batch_normalization = batch_normalization
        self.use_bias = use_bias
        self.mlp = self._mlp() if self.units else None
        self.logit = keras.layers.Dense(1, use_bias=use_bias, dtype="float32", name="logit")

    def _mlp(self) -> MLP:
        return MLP(
            self.units,
            activation=self.activation,
            dropout=self.dropout,
            batch_normalization=self.batch_normalization,
            dtype=self.dtype_policy,
            name="mlp",
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        width = _flat_width(input_shape)
        if self.mlp:
            self.mlp.build((None, width))
            width = self.units[-1]
        self.logit.build((None, width))
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = keras.ops.reshape(inputs, (-1, _flat_width(inputs.shape)))
        if self.mlp:
            x = self.mlp(x, training=training)
        return keras.ops.squeeze(self.logit(x), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0],)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        # Of the shape alone Keras would declare the logits in the compute dtype.
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "batch_normalization": self.batch_normalization,
            "use_bias": self.use_bias,
        }


def _flat_width(shape: Sequence[int | None]) -> int:
    if len(shape) < 2 or None in shape[1:]:
        raise ValueError(
            "The input of `Tower` must have static dimensions after the batch. "
            f"Received: shape={tuple(shape)}."
        )
    return math.prod(int(size) for size in shape[1:] if size is not None)
