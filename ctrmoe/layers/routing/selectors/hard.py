"""The best expert alone, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.routing.selectors.selector import Selector, probabilities


@keras.saving.register_keras_serializable(package="ctrmoe")
class Hard(Selector):
    """Chooses the expert of the highest score with weight 1.

    The gate does not depend on the logits, so that no gradient reaches the scorer: for scorers that
    have none to learn from, as a row's domain or its cluster. `top_k` with k = 1 trains the scorer.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def choices(self, num_experts: int) -> int:
        return 1

    def call(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        index = ops.argmax(inputs["scores"], axis=1, keepdims=True)
        return {
            "probs": probabilities(inputs["logits"]),
            "index": ops.cast(index, "int32"),
            "gate": ops.ones_like(index, dtype="float32"),
        }
