"""Multi-head self-attention over fields, the block that AutoInt repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer, check_rate
from ctrmoe.layers.attention import attend, attention_weights, project

# The epsilon of the program that puts the normalisation there: FuxiCTR's and the authors'.
LAYER_NORM_EPSILON = {"pre_relu": 1e-5, "post_relu": 1e-8}


@keras.saving.register_keras_serializable(package="ctrmoe")
class InteractingLayer(keras.layers.Layer):
    """One interacting layer of AutoInt; its equations are in `AutoInt`.

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
        self.query, self.key, self.value, self.residual_projection = (
            self._dense(name) for name in ("query", "key", "value", "residual")
        )
        self.norm = keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON.get(layer_norm or "", 0.0),
            dtype=self.dtype_policy,
            name="norm",
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
        if self.layer_norm:
            self.norm.build((*input_shape[:-1], self.units))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        linear = self.activation is keras.activations.linear and not self.use_bias
        narrow = linear and inputs.shape[-1] < self.key_dim
        x = self._narrow(inputs, training) if narrow else self._wide(inputs, training)
        if self.layer_norm == "pre_relu":
            x = self.norm(x)
        x = ops.relu(x)
        return self.norm(x) if self.layer_norm == "post_relu" else x

    def _wide(self, inputs: Any, training: bool | None) -> Any:
        projections = self._project(inputs)
        heads = [
            self._attend(*projections[3 * h : 3 * h + 3], training=training) for h in self._heads
        ]
        x = ops.concatenate(heads, axis=-1) if len(heads) > 1 else heads[0]
        if self.residual_projection.built:
            return x + projections[-1]
        return x + inputs if self.residual else x

    def _narrow(self, inputs: Any, training: bool | None) -> Any:
        """The same for tokens narrower than a head, in an order of fewer and smaller products.

        A head's scores are `x (W_Query W_Keyᵀ) xᵀ`, its output is `(α x) W_Value`, and the outputs
        of all heads and the residual are one product of `[α_1 x, …, α_H x, x]`.
        """
        fields, dim = inputs.shape[1:]
        forms = [
            ops.matmul(self.query.kernel[:, head], ops.transpose(self.key.kernel[:, head]))
            for head in self._columns
        ]
        queries = project(ops.reshape(inputs, (-1, dim)), forms)
        parts = [
            self._attend(ops.reshape(query, (-1, fields, dim)), inputs, inputs, training=training)
            for query in queries
        ]
        kernels = [
            ops.pad(self.value.kernel[:, head], ((0, 0), (head.start, self.units - head.stop)))
            for head in self._columns
        ]
        if self.residual_projection.built:
            parts.append(inputs)
            kernels.append(self.residual_projection.kernel)
        x = ops.reshape(ops.concatenate(parts, axis=-1), (-1, len(parts) * dim))
        product = ops.matmul(x, ops.concatenate(kernels, axis=0))
        return ops.reshape(product, (-1, fields, self.units))

    def attention(self, inputs: Any) -> Any:
        """Attention weights `[B, num_heads, F, F]`; those of a field sum to 1."""
        projections = self._project(inputs)
        heads = (projections[3 * h : 3 * h + 2] for h in self._heads)
        return ops.stack([attention_weights(self._scaled(q), k) for q, k in heads], axis=1)

    @property
    def _heads(self) -> range:
        return range(self.num_heads)

    @property
    def _columns(self) -> list[slice]:
        return [slice(h * self.key_dim, (h + 1) * self.key_dim) for h in self._heads]

    def _attend(self, query: Any, key: Any, value: Any, *, training: bool | None) -> Any:
        """Output of one head, `[B, F, d']`."""
        keep = None
        if self.dropout and training:
            fields = key.shape[1]
            ones = ops.ones((ops.shape(key)[0], fields, fields), dtype=key.dtype)
            keep = self.dropout_layer(ones, training=True)
        return attend(self._scaled(query), key, value, keep)

    def _scaled(self, query: Any) -> Any:
        return query / math.sqrt(self.key_dim) if self.scale else query

    def _project(self, inputs: Any) -> list[Any]:
        """Query, key and value of each head, `[B, F, d']`, then W_Res x, `[B, F, U]`, if any."""
        dense_layers = (self.query, self.key, self.value)
        parts = [(dense, head) for head in self._columns for dense in dense_layers]
        if self.residual_projection.built:
            parts.append((self.residual_projection, slice(None)))
        fields, dim = inputs.shape[1:]
        x = ops.reshape(inputs, (-1, dim))
        products = project(x, [dense.kernel[:, part] for dense, part in parts])
        if self.use_bias:
            biases = (dense.bias[part] for dense, part in parts)
            products = [x + bias for x, bias in zip(products, biases, strict=True)]
        return [ops.reshape(self.activation(x), (-1, fields, x.shape[-1])) for x in products]

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
