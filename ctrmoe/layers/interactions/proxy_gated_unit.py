"""Gate of all tokens of a kind by their proxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.interactions.token_mlp import TokenMLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class ProxyGatedUnit(keras.layers.Layer):
    """Scales tokens by one gate vector: `PGU(X, X̃) = X ⊙ σ(MLP(flatten(X̃)))`.

    Args:
        num_layers: Dense layers of the MLP, each D wide, ReLU between them.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `tokens` `[B, F, D]` and `proxies` `[B, P, D]`.

    Output shape:
        `[B, F, D]`.

    Raises:
        ValueError: If `num_layers` is no positive integer.

    Reference:
        Li et al., INFNet, 2025, arXiv:2508.11565v1. The layers of the MLP are not in the paper.
    """

    def __init__(self, num_layers: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_layers = check_positive_integer("num_layers", num_layers)
        self.mlp = TokenMLP([1] * num_layers, dtype=self.dtype_policy, name="mlp")

    def build(
        self, tokens_shape: Sequence[int | None], proxies_shape: Sequence[int | None]
    ) -> None:
        self.mlp.build(proxies_shape)

    def call(self, tokens: Any, proxies: Any) -> Any:
        return tokens * self.gate(proxies)

    def gate(self, proxies: Any) -> Any:
        """The gate of a row, `[B, 1, D]`, within (0, 1)."""
        return ops.sigmoid(self.mlp(proxies))

    def compute_output_shape(
        self, tokens_shape: Sequence[int | None], proxies_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        return tuple(tokens_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_layers": self.num_layers}
