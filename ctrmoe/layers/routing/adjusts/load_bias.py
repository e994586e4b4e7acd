"""Balance without a loss: a bias of the choice that follows the load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.routing.adjusts.adjust import Adjust, Scores
from ctrmoe.layers.routing.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="ctrmoe")
class LoadBias(Adjust):
    """Chooses by `z + b`; after each training step `b_e ← b_e + u · sign(K / E − f_e)`.

    `f_e` is the share of the batch's choices times K that went to expert e, over all replicas under
    `tf.distribute`. Gates are computed from `z` alone, so that the bias changes who is chosen and
    not by how much.

    Args:
        update_rate: The step u.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `update_rate` is not positive.

    Reference:
        Wang et al., Auxiliary-Loss-Free Load Balancing Strategy for Mixture-of-Experts, 2024,
        arXiv:2408.15664.
    """

    def __init__(self, update_rate: float = 0.001, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if update_rate <= 0:
            raise ValueError(
                f"`update_rate` must be positive. Received: update_rate={update_rate}."
            )
        self.update_rate = update_rate

    def build(self, input_shape: Any) -> None:
        experts = input_shape["logits"][-1]
        self.bias = self.add_weight(
            name="bias", shape=(experts,), initializer="zeros", trainable=False
        )

    def call(
        self, inputs: Scores, context: Mapping[str, Any], training: bool | None = None
    ) -> Scores:
        return {**inputs, "scores": inputs["scores"] + self.bias}

    def selected(self, routing: Mapping[str, Any]) -> None:
        experts = self.bias.shape[0]
        chosen = ops.one_hot(routing["index"], experts, dtype="float32")
        (load,) = sum_over_replicas(ops.mean(ops.sum(chosen, axis=1), axis=0))
        self.bias.assign_add(self.update_rate * ops.sign(ops.mean(load) - load))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "update_rate": self.update_rate}
