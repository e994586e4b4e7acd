"""A linear gate for each domain over its own experts and the shared ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.known_domain import known_domain
from ctrmoe.layers.routing.scorers.domain import NEVER
from ctrmoe.layers.routing.scorers.per_domain import domain_gates
from ctrmoe.layers.routing.scorers.scorer import Scorer


@keras.saving.register_keras_serializable(package="ctrmoe")
class OwnAndSharedScorer(Scorer):
    """Customised gate control: `z = x W_domain + b_domain` for the experts that a domain may use.

    The bank holds the own experts of domain 0, those of domain 1 and so on, and after them the
    shared experts. A row has logits for its domain's own experts and the shared ones; the others
    have `NEVER`. The selector `top_k`, which is the default here, then computes no others.

    Args:
        num_experts: Number of experts, `num_domains · own_experts + shared_experts`.
        num_domains: Number of domains, domain 0 included, which takes any number that is none.
        own_experts: Number of experts that a domain has for itself.
        shared_experts: Number of experts of all domains.
        kernel_initializer: Initializer of every `W`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`, and `domain`, `[T]` int32.

    Output shape:
        `[T, E]`, float32.

    Raises:
        ValueError: If `num_experts` is not the number above, or `num_domains` or `own_experts` not
            positive.

    Reference:
        Tang et al., Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model for
        Personalized Recommendations, 2020, the gates of CGC, with domains for tasks, and with a
        bias.
    """

    needs = ("domain",)

    def __init__(
        self,
        num_experts: int,
        num_domains: int,
        *,
        own_experts: int = 1,
        shared_experts: int = 1,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.own_experts = check_positive_integer("own_experts", own_experts)
        self.shared_experts = shared_experts
        if shared_experts:
            check_positive_integer("shared_experts", shared_experts)
        expected = num_domains * own_experts + shared_experts
        if num_experts != expected:
            raise ValueError(
                "`num_experts` must be `num_domains · own_experts + shared_experts`, "
                f"{expected}. Received: num_experts={num_experts}, num_domains={num_domains}, "
                f"own_experts={own_experts}, shared_experts={shared_experts}."
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.gates = domain_gates(num_domains, self.width, self.kernel_initializer)

    @classmethod
    def experts_of(cls, num_domains: int, options: Mapping[str, Any]) -> int | None:
        own, shared = (options.get(name, 1) for name in ("own_experts", "shared_experts"))
        return int(num_domains * own + shared)

    @property
    def width(self) -> int:
        """How many experts a domain may use."""
        return self.own_experts + self.shared_experts

    @property
    def experts_per_domain(self) -> int:  # type: ignore[override]
        return self.own_experts

    @property
    def default_selector(self) -> dict[str, Any]:
        return {"kind": "top_k", "k": self.width}

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.gates.build(input_shape)

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        domain = known_domain(context["domain"], self.num_domains)
        logits = self.gates(inputs, domain)
        own, shared = logits[:, None, : self.own_experts], logits[:, self.own_experts :]
        is_own = ops.equal(domain[:, None], ops.arange(self.num_domains, dtype=domain.dtype))
        placed = ops.where(is_own[:, :, None], own, NEVER)
        placed = ops.reshape(placed, (-1, self.num_domains * self.own_experts))
        return ops.concatenate([placed, shared], axis=1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "own_experts": self.own_experts,
            "shared_experts": self.shared_experts,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
