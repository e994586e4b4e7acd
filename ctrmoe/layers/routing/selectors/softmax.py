"""All experts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.routing.selectors.selector import Selector, probabilities


@keras.saving.register_keras_serializable(package="ctrmoe")
class Softmax(Selector):
    """Weighs all experts by the softmax of their logits, as MMoE and PLE do.

    Args:
        temperature: Divides the logits.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `temperature` is not positive.
    """

    def __init__(self, temperature: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if temperature <= 0:
            raise ValueError(
                f"`temperature` must be positive. Received: temperature={temperature}."
            )
        self.temperature = temperature

    def choices(self, num_experts: int) -> int:
        return num_experts

    def call(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        probs = probabilities(inputs["logits"] / self.temperature)
        numbers = ops.arange(probs.shape[-1], dtype="int32")
        index = ops.broadcast_to(numbers, ops.shape(probs))
        return {"probs": probs, "index": index, "gate": probs}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "temperature": self.temperature}
