"""AutoInt: attention over the fields of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_positive_integer, check_rate, check_tokens
from ctrmoe.layers.interactions.interacting_layer import InteractingLayer

PAPER = {"scale": False, "activation": None, "use_bias": False, "layer_norm": None}
AUTHORS_CODE = {"scale": True, "activation": "relu", "use_bias": True, "layer_norm": "post_relu"}


@keras.saving.register_keras_serializable(package="ctrmoe")
class AutoInt(keras.layers.Layer):
    """Combines fields by stacked multi-head self-attention.

    Each layer maps the tokens `x_1 … x_F` of a row, for every head `h`, to

        ψ^h(m, k) = ⟨W_Q^h x_m, W_K^h x_k⟩                           (1)
        α^h_{m,k} = exp ψ^h(m, k) / Σ_l exp ψ^h(m, l)                (2)
        ẽ^h_m = Σ_k α^h_{m,k} W_V^h x_k                              (3)
        ẽ_m = ẽ^1_m ⊕ … ⊕ ẽ^H_m                                      (4)
        x_m ← ReLU(ẽ_m + W_Res x_m)                                  (5)

    Args:
        num_layers: Number of layers.
        num_heads: Number of heads, H.
        key_dim: Width of a head, d'.
        scale: Divides ψ by √d'.
        activation: Activation of the four projections, W_Res included.
        use_bias: Whether the four projections have a bias.
        layer_norm: None, `"pre_relu"` (of the sum in (5)) or `"post_relu"` (of its ReLU).
        residual: `"projection"` as in (5); `"auto"` adds `x_m` itself where its width is already
            `H · d'`; None leaves the term out.
        dropout: Share of the α set to zero while training.
        authors_code: Follows the authors' program instead of the equations: `scale=True`,
            `activation="relu"`, `use_bias=True`, `layer_norm="post_relu"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, F, num_heads · key_dim]`.

    Raises:
        ValueError: If an argument is out of range, or contradicts `authors_code`.

    Reference:
        Song et al., AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural
        Networks, 2019, arXiv:1810.11921. The defaults are the paper's equations. FuxiCTR's layer
        is `residual="auto"` and, with its normalisation, `layer_norm="pre_relu"`.

    Example:

    >>> AutoInt(num_layers=2, num_heads=2, key_dim=8)(keras.ops.ones((5, 3, 4))).shape
    TensorShape([5, 3, 16])
    """

    def __init__(
        self,
        *,
        num_layers: int = 3,
        num_heads: int = 2,
        key_dim: int = 32,
        scale: bool = False,
        activation: Any = None,
        use_bias: bool = False,
        layer_norm: str | None = None,
        residual: str | None = "projection",
        dropout: float = 0.0,
        authors_code: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_layers = check_positive_integer("num_layers", num_layers)
        self.authors_code = authors_code
        flags = {
            "scale": scale,
            "activation": activation,
            "use_bias": use_bias,
            "layer_norm": layer_norm,
        }
        self.options = {
            "num_heads": num_heads,
            "key_dim": key_dim,
            **(_authors_flags(flags) if authors_code else flags),
            "residual": residual,
            "dropout": check_rate("dropout", dropout),
        }
        self.interacting_layers = [
            InteractingLayer(**self.options, dtype=self.dtype_policy, name=f"interacting_{i}")
            for i in range(num_layers)
        ]

    def build(self, input_shape: Sequence[int | None]) -> None:
        _, dim = check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: dim})
        for layer in self.interacting_layers:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = inputs
        for layer in self.interacting_layers:
            x = layer(x, training=training)
        return x

    def attention(self, inputs: Any) -> list[dict[str, Any]]:
        """Attention weights α at inference: `"fields_to_fields"` `[B, H, F, F]` of each layer."""
        x, weights = inputs, []
        for layer in self.interacting_layers:
            weights.append({"fields_to_fields": layer.attention(x)})
            x = layer(x, training=False)
        return weights

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return self.interacting_layers[-1].compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            **self.options,
            "authors_code": self.authors_code,
        }


def _authors_flags(flags: dict[str, Any]) -> dict[str, Any]:
    for name, value in flags.items():
        if value not in (PAPER[name], AUTHORS_CODE[name]):
            raise ValueError(
                f"`{name}` must be {AUTHORS_CODE[name]!r} or left out with `authors_code`. "
                f"Received: {name}={value!r}."
            )
    return AUTHORS_CODE
