"""As many of the best experts as make up a share of the probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.routing.selectors.selector import Selector, probabilities


@keras.saving.register_keras_serializable(package="ctrmoe")
class TopP(Selector):
    """Chooses the fewest experts whose probabilities sum to p or more, `max_k` at most.

    Rows that the router is sure of get few experts, others many. The gates are divided by their
    sum, unless one expert alone could be chosen.

    Args:
        p: Share of the probability, in (0, 1].
        max_k: Most experts of a row; None for all.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `p` lies outside (0, 1], or `max_k` is larger than the number of experts.

    Reference:
        Huang et al., Harder Tasks Need More Experts: Dynamic Routing in MoE Models, 2024,
        arXiv:2403.07652.
    """

    def __init__(self, p: float = 0.75, *, max_k: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < p <= 1:
            raise ValueError(f"`p` must lie in (0, 1]. Received: p={p}.")
        self.p = p
        self.max_k = None if max_k is None else check_positive_integer("max_k", max_k)

    def choices(self, num_experts: int) -> int:
        if self.max_k and self.max_k > num_experts:
            raise ValueError(
                f"`max_k` must be at most the number of experts, {num_experts}. "
                f"Received: max_k={self.max_k}."
            )
        return self.max_k or num_experts

    def call(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        probs = probabilities(inputs["logits"])
        num_experts = probs.shape[-1]
        choices = self.choices(num_experts)
        _, index = ops.top_k(inputs["scores"], choices)
        gate = ops.take_along_axis(probs, index, axis=1)
        # An expert is chosen where those before it do not make up the share.
        chosen = ops.cumsum(gate, axis=1) - gate < self.p
        gate = ops.where(chosen, gate, 0.0)
        if choices > 1:
            gate = gate / ops.sum(gate, axis=1, keepdims=True)
        index = ops.where(chosen, ops.cast(index, "int32"), num_experts)
        return {"probs": probs, "index": index, "gate": gate}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "p": self.p, "max_k": self.max_k}
