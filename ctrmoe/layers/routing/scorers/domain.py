"""A logit by the domain alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.known_domain import known_domain
from ctrmoe.layers.routing.scorers.scorer import Scorer

NEVER = -1e9
"""The logit of an expert that must not be chosen: its softmax is 0 in float32."""


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainScorer(Scorer):
    """Logit 0 for the expert whose number is the domain's, `NEVER` for all others.

    With the selector `hard` each domain has an expert of its own, as towers by domain and STAR do.
    Domain 0 stands for all that training knows no domain of, and takes any number that is none.

    Args:
        num_experts: Number of domains, that of domain 0 included.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`, which is not read, and `domain`, `[T]` int32.

    Output shape:
        `[T, E]`, float32.
    """

    needs = ("domain",)
    experts_per_domain = 1

    @classmethod
    def experts_of(cls, num_domains: int, options: Mapping[str, Any]) -> int | None:
        return num_domains

    @property
    def default_selector(self) -> dict[str, Any]:
        return {"kind": "hard"}

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        numbers = ops.arange(self.num_experts, dtype="int32")
        domain = known_domain(context["domain"], self.num_experts)
        own = ops.equal(domain[:, None], numbers)
        return ops.where(own, 0.0, NEVER)
