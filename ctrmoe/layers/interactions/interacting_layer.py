"""Multi-head self-attention over fields, the block that AutoInt repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer, check_rate

# The epsilon of the program that puts the normalisation there: FuxiCTR's and the authors'.
LAYER_NORM_EPSILON = {"pre_relu": 1e-5, "post_relu": 1e-8}


@keras.saving.register_keras_serializable(package="ctrmoe")
class InteractingLayer(keras.layers.Layer):
    """One interacting layer of AutoInt; its equations are in `AutoInt`.

    Every head is projected by a product of its own: the columns of one product for all heads
    would have to be copied apart before the attention, which costs more than it saves.

    Args:
        num_heads: Number of heads.
        key_dim: Width of a head, d'.
        scale: Divides the scores by √d'.
        activation: Activation of the projections.
        use_bias: Whether the projections have a bias.
        layer_norm: None, `"pre_relu"` or `"post_relu"`.
        residual: None, `"auto"` or `"projection"`.
        dropout: Share of the attention weights set to zero while training.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, F, num_heads · key_dim]`.

    Raises:
        ValueError: If an argument is out of range.
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
        self.dropout = check_rate("dropout", dropout)
        self.units = num_heads * key_dim
        self.norm = keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON.get(layer_norm or "", 0.0),
            dtype=self.dtype_policy,
            name="norm",
        )
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    def build(self, input_shape: Sequence[int | None]) -> None:
        names = ["query", "key", "value"]
        if self.residual == "projection" or (
            self.residual == "auto" and input_shape[-1] != self.units
        ):
            names.append("residual")
        self.kernels = {
            name: self.add_weight(name=f"{name}_kernel", shape=(input_shape[-1], self.units))
            for name in names
        }
        self.biases = {
            name: self.add_weight(name=f"{name}_bias", shape=(self.units,), initializer="zeros")
            for name in names
            if self.use_bias
        }
        if self.layer_norm:
            self.norm.build((*input_shape[:-1], self.units))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        heads = []
        for head in range(self.num_heads):
            weights = self.dropout_layer(self._weights(inputs, head), training=training)
            heads.append(ops.matmul(weights, self._project(inputs, "value", head)))
        x = ops.concatenate(heads, axis=-1) if len(heads) > 1 else heads[0]
        if "residual" in self.kernels:
            x = x + self._project(inputs, "residual")
        elif self.residual:
            x = x + inputs
        if self.layer_norm == "pre_relu":
            x = self.norm(x)
        x = ops.relu(x)
        return self.norm(x) if self.layer_norm == "post_relu" else x

    def attention(self, inputs: Any) -> Any:
        """Attention weights `[B, num_heads, F, F]`; those of a field sum to 1."""
        return ops.stack([self._weights(inputs, h) for h in range(self.num_heads)], axis=1)

    def _weights(self, inputs: Any, head: int) -> Any:
        """Attention weights of one head, `[B, F, F]`."""
        query = self._project(inputs, "query", head)
        if self.scale:
            query = query / math.sqrt(self.key_dim)
        key = ops.transpose(self._project(inputs, "key", head), (0, 2, 1))
        return ops.softmax(ops.matmul(query, key))

    def _project(self, inputs: Any, name: str, head: int | None = None) -> Any:
        """`activation(x W + b)`, all columns or those of a head."""
        start, width = (0, self.units) if head is None else (head * self.key_dim, self.key_dim)
        fields, dim = inputs.shape[1:]
        # As a matrix: a product of three dimensions would run row by row.
        x = ops.matmul(ops.reshape(inputs, (-1, dim)), self.kernels[name][:, start : start + width])
        if self.use_bias:
            x = x + self.biases[name][start : start + width]
        return ops.reshape(self.activation(x), (-1, fields, width))

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
