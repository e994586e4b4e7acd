"""Scale and shift of all tokens of a kind by their hubs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.interactions.token_mlp import TokenMLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class BroadcastGatedUnit(keras.layers.Layer):
    """Scales and shifts tokens alike: `BGU(x) = x ⊙ σ(α) + β`, `(α, β) = MLP(flatten(H))`.

    Args:
        expansion: Width of the MLP's hidden layer in tokens.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `tokens` `[B, F, D]` and `hubs` `[B, P, D]`.

    Output shape:
        `[B, F, D]`.

    Raises:
        ValueError: If `expansion` is no positive integer.

    Reference:
        Aggregate and Broadcast: Scalable and Efficient Feature Interaction for Recommender
        Systems, 2026, arXiv:2508.11565v2.
    """

    def __init__(self, expansion: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.expansion = check_positive_integer("expansion", expansion)
        self.mlp = TokenMLP([expansion, 2], dtype=self.dtype_policy, name="mlp")

    def build(self, tokens_shape: Sequence[int | None], hubs_shape: Sequence[int | None]) -> None:
        self.mlp.build(hubs_shape)

    def call(self, tokens: Any, hubs: Any) -> Any:
        alpha, beta = ops.split(self.mlp(hubs), 2, axis=1)
        return tokens * ops.sigmoid(alpha) + beta

    def compute_output_shape(
        self, tokens_shape: Sequence[int | None], hubs_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        return tuple(tokens_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "expansion": self.expansion}
