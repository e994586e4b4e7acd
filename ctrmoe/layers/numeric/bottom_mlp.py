"""One token of all numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.mlp import MLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class BottomMLP(keras.layers.Layer):
    """Makes one token of all numbers by an MLP, with an activation after its last layer as well.

    It reads the numbers, 0 where one is missing (NaN), and beside them a flag for each: a missing
    number enters by trainable weights of its own.

    Args:
        embedding_dim: Width `D` of the token.
        units: Widths of the layers before the last, which has D.
        activation: Any name or function that Keras knows.
        dropout: Share of outputs set to zero while training, after every layer.
        kernel_initializer: Initializer of every kernel.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32.

    Output shape:
        `[B, 1, D]` in the variables' dtype, whatever the compute dtype.

    Raises:
        ValueError: If an option is outside its range.

    Reference:
        Naumov et al., Deep Learning Recommendation Model for Personalization and Recommendation
        Systems, 2019, arXiv:1906.00091. The flags are not in the paper.

    Example:

    >>> BottomMLP(4)(keras.ops.ones((2, 3))).shape
    TensorShape([2, 1, 4])
    """

    def __init__(
        self,
        embedding_dim: int,
        *,
        units: Sequence[int] = (512, 256, 64),
        activation: Any = "relu",
        dropout: float = 0.0,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        # Half precision overflows at 65504, which raw counts and prices exceed.
        super().__init__(**{**kwargs, "autocast": False})
        self.embedding_dim = check_positive_integer("embedding_dim", embedding_dim)
        self.units = [check_positive_integer("units", width) for width in units]
        self.mlp = MLP(
            [*self.units, embedding_dim],
            activation=activation,
            dropout=dropout,
            kernel_initializer=kernel_initializer,
            dtype=self.variable_dtype,
            name="mlp",
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.mlp.build((*input_shape[:-1], 2 * input_shape[-1]))  # type: ignore[operator]

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        missing = ops.isnan(inputs)
        numbers = [ops.where(missing, 0.0, inputs), ops.cast(missing, inputs.dtype)]
        token = self.mlp(ops.concatenate(numbers, axis=-1), training=training)
        return ops.expand_dims(token, 1)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        shape = (inputs.shape[0], 1, self.embedding_dim)
        return keras.KerasTensor(shape, dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "units": self.units,
            "activation": keras.activations.serialize(self.mlp.activation),
            "dropout": self.mlp.dropout,
            "kernel_initializer": keras.initializers.serialize(self.mlp.kernel_initializer),
        }
