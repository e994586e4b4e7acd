"""A linear gate for each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers.domain_experts import DomainExperts
from ctrmoe.layers.routing.scorers.scorer import Scorer


@keras.saving.register_keras_serializable(package="ctrmoe")
class PerDomainScorer(Scorer):
    """`z = x W_domain + b_domain`, MMoE's gates where its tasks are domains.

    Each row is multiplied by the matrix of its own domain only.

    Args:
        num_experts: Number of experts, E.
        num_domains: Number of domains, domain 0 included, which takes any number that is none.
        kernel_initializer: Initializer of every `W`; with zeros all experts weigh the same at
            first.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`, and `domain`, `[T]` int32.

    Output shape:
        `[T, E]`, float32.

    Raises:
        ValueError: If `num_domains` is not a positive integer.

    Reference:
        Ma et al., Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts, 2018, the gates without the softmax, which is the selector's, and with a
        bias.
    """

    needs = ("domain",)

    def __init__(
        self,
        num_experts: int,
        num_domains: int,
        *,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        self.num_domains = num_domains
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.gates = domain_gates(num_domains, num_experts, self.kernel_initializer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.gates.build(input_shape)

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        return self.gates(inputs, context["domain"])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def domain_gates(num_domains: int, width: int, kernel_initializer: Any) -> DomainExperts:
    """A linear map to `width` logits for each domain, in float32."""
    bank = {"kernel_initializer": kernel_initializer}
    return DomainExperts(num_domains, [width], bank=bank, dtype="float32", name="gates")
