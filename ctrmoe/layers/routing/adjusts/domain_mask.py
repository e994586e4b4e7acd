"""Experts that a domain may not use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers.known_domain import known_domain
from ctrmoe.layers.routing.adjusts.adjust import Adjust, Scores
from ctrmoe.layers.routing.scorers.domain import NEVER


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainMask(Adjust):
    """Leaves each domain the experts that it is allowed, as PLE's own and shared experts.

    Args:
        allowed: For each domain, from domain 0 on, one 0 or 1 for each expert. A domain beyond
            the list is taken for domain 0.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If a domain is left without experts, the lists have different lengths, or their
            length is not the number of experts.

    Reference:
        Tang et al., Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model for
        Personalized Recommendations, 2020.
    """

    needs = ("domain",)

    def __init__(self, allowed: Sequence[Sequence[int]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allowed = [[int(entry) for entry in row] for row in allowed]
        if not self.allowed or len({len(row) for row in self.allowed}) > 1:
            raise ValueError(
                "`allowed` must have a list for each domain, all of one length. "
                f"Received: allowed={self.allowed!r}."
            )
        for domain, row in enumerate(self.allowed):
            if not any(row) or set(row) - {0, 1}:
                raise ValueError(
                    "`allowed` must hold 0 and 1, and allow each domain an expert. "
                    f"Received: {row!r} of domain {domain}."
                )

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        experts = input_shape["logits"][-1]
        if len(self.allowed[0]) != experts:
            raise ValueError(
                f"`allowed` must have an entry for each of {experts} experts. "
                f"Received: allowed={self.allowed!r}."
            )

    def call(
        self, inputs: Scores, context: Mapping[str, Any], training: bool | None = None
    ) -> Scores:
        table = ops.convert_to_tensor(np.array(self.allowed, "bool"))
        domain = known_domain(context["domain"], len(self.allowed))
        allowed = ops.take(table, domain, axis=0)
        return {name: ops.where(allowed, scores, NEVER) for name, scores in inputs.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "allowed": self.allowed}
