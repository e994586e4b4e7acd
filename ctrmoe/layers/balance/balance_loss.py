"""What the losses of a routing have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.schedule import Schedule


class BalanceLoss(keras.layers.Layer):
    """Base of layers from a routing to a scalar, in float32 whatever the policy.

    Under `tf.distribute` the rows are those of all replicas.

    Args:
        weight: What the mixture multiplies the scalar by, a number or a `Schedule`'s options.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `weight` is negative.
    """

    def __init__(self, weight: float | Mapping[str, Any] = 0.01, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.weight = Schedule("weight", weight)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the context must hold."""
        return self.weight.needs

    @abstractmethod
    def call(self, routing: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        """Returns the scalar."""

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> tuple[()]:
        return ()

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {**config, "weight": self.weight.value}


def chosen_shares(routing: Mapping[str, Any]) -> Any:
    """`[T, E]`: for each row the share of its choices that an expert is, without a gradient."""
    experts = routing["probs"].shape[-1]
    chosen = ops.sum(ops.one_hot(routing["index"], experts, dtype="float32"), axis=1)
    return ops.stop_gradient(chosen / ops.sum(chosen, axis=1, keepdims=True))
