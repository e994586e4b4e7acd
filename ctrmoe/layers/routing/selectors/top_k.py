"""The best experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.routing.selectors.selector import Selector, probabilities


@keras.saving.register_keras_serializable(package="ctrmoe")
class TopK(Selector):
    """Chooses the k experts of the highest scores.

    The gates are the chosen probabilities. Where k > 1 they are divided by their sum; with one
    expert that would be 1 whatever the logits, and the router would get no gradient.

    Args:
        k: Experts of a row.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `k` is not a positive integer, or larger than the number of experts.

    Reference:
        Shazeer et al., Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts
        Layer, 2017, arXiv:1701.06538; k = 1: Fedus et al., Switch Transformers, 2021,
        arXiv:2101.03961.
    """

    def __init__(self, k: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k = check_positive_integer("k", k)

    def choices(self, num_experts: int) -> int:
        if self.k > num_experts:
            raise ValueError(
                f"`k` must be at most the number of experts, {num_experts}. Received: k={self.k}."
            )
        return self.k

    def call(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        probs = probabilities(inputs["logits"])
        _, index = ops.top_k(inputs["scores"], self.k)
        gate = ops.take_along_axis(probs, index, axis=1)
        if self.k > 1:
            gate = gate / ops.sum(gate, axis=1, keepdims=True)
        return {"probs": probs, "index": ops.cast(index, "int32"), "gate": gate}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
