"""Multi-head self-attention over fields, the block that AutoInt repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer

# Each is the epsilon of the code that puts the normalisation there: FuxiCTR's, the authors'.
LAYER_NORM_EPSILON = {"pre_relu": 1e-5, "post_relu": 1e-8}


@keras.saving.register_keras_serializable(package="ctrmoe")
class InteractingLayer(keras.layers.Layer):
    """One interacting layer of AutoInt; the arguments and equations are in `AutoInt`.

    Args:
        num_heads: Number of heads H.
        key_dim: Width of a head, d'.
        scale: Divides the scores by √d'.
        activation: Activation of the projections.
        use_bias: Whether the projections have a bias.
        layer_norm: None, `"pre_relu"` or `"post_relu"`.
        residual: None, `"projection"` or `"auto"`.
        dropout: Share of attention weights set to zero while training.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, F, num_heads · key_dim]`.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        *,
        scale: bool = False,
        activation: Any = None,
        use_bias: bool = False,
        layer_norm: str | None = None,
        residual: str | None = "projection",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = check_positive_integer("num_heads", num_heads)
        self.key_dim = check_positive_integer("key_dim", key_dim)
        self.scale = scale
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.layer_norm = check_choice("layer_norm", layer_norm, (None, "pre_relu", "post_relu"))
        self.residual = check_choice("residual", residual, (None, "auto", "projection"))
        self.dropout = dropout
        self.units = num_heads * key_dim
        self.query, self.key, self.value, self.residual_projection = (
            self._dense(name) for name in ("query", "key", "value", "residual")
        )
        self.norm = None
        if layer_norm:
            self.norm = keras.layers.LayerNormalization(
                epsilon=LAYER_NORM_EPSILON[layer_norm], dtype=self.dtype_policy, name="norm"
            )
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def _dense(self, name: str) -> Any:
        return keras.layers.Dense(
            self.units,
            activation=self.activation,
            use_bias=self.use_bias,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        for dense in (self.query, self.key, self.value):
            dense.build(input_shape)
        if self.residual == "projection" or (
            self.residual == "auto" and input_shape[-1] != self.units
        ):
            self.residual_projection.build(input_shape)
        if self.norm:
            self.norm.build((*input_shape[:-1], self.units))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        weights = self.dropout_layer(self.attention(inputs), training=training)
        values = self._heads(self.value(inputs))
        x = ops.transpose(ops.matmul(weights, values), (0, 2, 1, 3))
        x = ops.reshape(x, (-1, inputs.shape[1], self.units))
        if self.residual_projection.built:
            x = x + self.residual_projection(inputs)
        elif self.residual:
            x = x + inputs
        if self.layer_norm == "pre_relu":
            return ops.relu(self.norm(x))
        x = ops.relu(x)
        return self.norm(x) if self.norm else x

    def attention(self, inputs: Any) -> Any:
        """Attention weights α `[B, H, F, F]`: each row sums to 1."""
        query, key = self._heads(self.query(inputs)), self._heads(self.key(inputs))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        return ops.softmax(scores / math.sqrt(self.key_dim) if self.scale else scores)

    def _heads(self, x: Any) -> Any:
        x = ops.reshape(x, (-1, x.shape[1], self.num_heads, self.key_dim))
        return ops.transpose(x, (0, 2, 1, 3))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "scale": self.scale,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "layer_norm": self.layer_norm,
            "residual": self.residual,
            "dropout": self.dropout,
        }
