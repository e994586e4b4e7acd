"""What the adjusts have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras

Scores = dict[str, Any]
"""`logits`, `[T, E]`, from which gates are computed, and `scores`, by which experts are chosen."""


class Adjust(keras.layers.Layer):
    """Base of layers between a scorer and a selector, in float32 whatever the policy.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    @abstractmethod
    def call(
        self, inputs: Scores, context: Mapping[str, Any], training: bool | None = None
    ) -> Scores:
        """Returns `logits` and `scores`, of which it changes one or both."""

    def selected(self, routing: Mapping[str, Any]) -> None:
        """Learns what was selected in a training step; called once a step."""

    def compute_output_shape(self, input_shape: Mapping[str, Sequence[int | None]]) -> Any:
        return dict(input_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return config
