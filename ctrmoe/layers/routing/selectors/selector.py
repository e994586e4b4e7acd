"""What the selectors have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops


class Selector(keras.layers.Layer):
    """Base of layers that make a routing of scores, in float32 whatever the policy.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `logits` and `scores`, `[T, E]` each.

    Output shape:
        `probs`, `[T, E]`, the softmax of the logits; `index`, `[T, K]` int32, the chosen experts,
        E where there is none; `gate`, `[T, K]`, their weights, 0 where there is none.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    @abstractmethod
    def choices(self, num_experts: int) -> int:
        """The number K of choices.

        Raises:
            ValueError: If there are more than experts.
        """

    def compute_output_spec(
        self, inputs: Mapping[str, Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        rows, experts = inputs["logits"].shape
        chosen = (rows, self.choices(experts))
        return {
            "probs": keras.KerasTensor((rows, experts), dtype="float32"),
            "index": keras.KerasTensor(chosen, dtype="int32"),
            "gate": keras.KerasTensor(chosen, dtype="float32"),
        }

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        self.choices(int(input_shape["logits"][-1] or 0))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return config


def probabilities(logits: Any) -> Any:
    """The softmax of the logits; Keras warns of that of a single expert."""
    return ops.softmax(logits) if logits.shape[-1] > 1 else ops.ones_like(logits)
