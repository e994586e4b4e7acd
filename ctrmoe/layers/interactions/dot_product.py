"""The interaction of DLRM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras_rs.layers import DotInteraction

from ctrmoe.layers._checks import check_tokens


@keras.saving.register_keras_serializable(package="ctrmoe")
class DotProduct(keras.layers.Layer):
    """Takes the inner products of all pairs of tokens, `x_i · x_j` for `j < i`, as one token.

    Args:
        self_interaction: Whether the products of each token with itself count too.
        kept_token: Number of the token whose entries stand before the products: in DLRM that of
            the bottom MLP, which `build_model` fills in; None for none.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, 1, P]`, with `P = F (F − 1) / 2`, F more with `self_interaction` and D more with
        `kept_token`.

    Raises:
        ValueError: If the input has no token of that number, or too few tokens for a product.

    Reference:
        Naumov et al., Deep Learning Recommendation Model for Personalization and Recommendation
        Systems, 2019, arXiv:1906.00091; `self_interaction` is an option of the
        authors' program. The products are keras-rs's `DotInteraction`.

    Example:

    >>> DotProduct()(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2, 1, 3])
    """

    def __init__(
        self, *, self_interaction: bool = False, kept_token: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.self_interaction = self_interaction
        self.kept_token = kept_token
        self.products = DotInteraction(
            self_interaction=self_interaction, dtype=self.dtype_policy, name="products"
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        fields, _ = check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={1: fields})
        if self.kept_token is not None and not 0 <= self.kept_token < fields:
            raise ValueError(
                "`kept_token` must be the number of a token of the input. "
                f"Received: kept_token={self.kept_token}, input shape {tuple(input_shape)}."
            )
        width = self.compute_output_shape(input_shape)[-1]
        if not width:
            raise ValueError(
                "The input must have two tokens at least, or `self_interaction`. "
                f"Received: input shape {tuple(input_shape)}."
            )

    def call(self, inputs: Any) -> Any:
        parts = [] if self.kept_token is None else [inputs[:, self.kept_token]]
        # keras-rs can't take the products of no pair.
        if inputs.shape[1] > 1 or self.self_interaction:
            parts.append(self.products(ops.unstack(inputs, axis=1)))
        return ops.expand_dims(ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0], 1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        fields, dim = check_tokens(input_shape)
        pairs = fields * (fields + (1 if self.self_interaction else -1)) // 2
        return (input_shape[0], 1, pairs + (0 if self.kept_token is None else dim))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "self_interaction": self.self_interaction,
            "kept_token": self.kept_token,
        }
