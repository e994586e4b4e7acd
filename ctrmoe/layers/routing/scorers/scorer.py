"""What the scorers have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_positive_integer


class Scorer(keras.layers.Layer):
    """Base of layers that give every expert a logit, from the row or from its context.

    Computed in float32 whatever the policy: half precision has too few digits for a choice.

    Args:
        num_experts: Number of experts, E.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`, and the context: a dict of what `needs` names, such as `domain`, `[T]` int32.

    Output shape:
        `[T, E]`, float32.
    """

    needs: tuple[str, ...] = ()
    experts_per_domain = 0
    """How many experts in a row each domain has for itself; what follows them is for all."""

    def __init__(self, num_experts: int, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_experts = check_positive_integer("num_experts", num_experts)

    @classmethod
    def experts_of(cls, num_domains: int, options: Mapping[str, Any]) -> int | None:
        """The number of experts that the domains and the scorer's options ask for, if they do."""
        return None

    @property
    def default_selector(self) -> dict[str, Any]:
        """`kind` and options of the selector that suits the scorer."""
        return {"kind": "softmax"}

    @abstractmethod
    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        """Returns the logits."""

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_experts)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {**config, "num_experts": self.num_experts}
