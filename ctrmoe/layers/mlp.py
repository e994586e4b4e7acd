"""A stack of dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_positive_integer, check_rate


@keras.saving.register_keras_serializable(package="ctrmoe")
class MLP(keras.layers.Layer):
    """Feed-forward network: `x ← dropout(f(norm(x W + b)))` for each width in `units`.

    Args:
        units: Width of each layer.
        activation: `f`, any name or function that Keras knows.
        dropout: Share of outputs set to zero while training, after every layer.
        batch_normalization: Normalises before the activation, and drops the bias that the
            normalisation would cancel.
        kernel_initializer: Initializer of every `W`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[..., H]`.

    Output shape:
        `[..., units[-1]]`.

    Raises:
        ValueError: If a width is not a positive integer, `units` is empty or `dropout` lies
            outside [0, 1).

    Example:

    >>> MLP([64, 32])(keras.ops.ones((2, 8))).shape
    TensorShape([2, 32])
    """

    def __init__(
        self,
        units: Sequence[int],
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_normalization: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        self.units = [check_positive_integer("units", width) for width in units]
        self.activation = keras.activations.get(activation)
        self.dropout = check_rate("dropout", dropout)
        self.batch_normalization = batch_normalization
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.dense_layers = [self._dense(i, width) for i, width in enumerate(self.units)]
        norms = self.units if batch_normalization else []
        self.norm_layers = [self._child(keras.layers.BatchNormalization) for _ in norms]
        drops = self.units if self.dropout else []
        self.dropout_layers = [self._child(keras.layers.Dropout, rate=dropout) for _ in drops]

    def _child(self, cls: type[Any], **kwargs: Any) -> Any:
        return cls(dtype=self.dtype_policy, **kwargs)

    def _dense(self, index: int, width: int) -> Any:
        return self._child(
            keras.layers.Dense,
            units=width,
            use_bias=not self.batch_normalization,
            # Layers must not share one initializer object: unseeded, it repeats its draw.
            kernel_initializer=_copy(self.kernel_initializer),
            name=f"dense_{index}",
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        shape = tuple(input_shape)
        for index, dense in enumerate(self.dense_layers):
            dense.build(shape)
            shape = (*shape[:-1], self.units[index])
            for children in (self.norm_layers, self.dropout_layers):
                if children:
                    children[index].build(shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.continued(self.dense_layers[0](inputs), training=training)

    def continued(self, x: Any, training: bool | None = None) -> Any:
        """Returns the output for `x W + b` of the first layer."""
        for index, dense in enumerate(self.dense_layers):
            x = dense(x) if index else x
            if self.norm_layers:
                x = self.norm_layers[index](x, training=training)
            x = self.activation(x)
            if self.dropout_layers:
                x = self.dropout_layers[index](x, training=training)
        return x

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "batch_normalization": self.batch_normalization,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _copy(initializer: Any) -> Any:
    return initializer.clone() if hasattr(initializer, "clone") else initializer
