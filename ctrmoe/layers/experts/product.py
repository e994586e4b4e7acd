"""Experts that scale the weights of one shared network."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers.experts.expert_bank import copy
from ctrmoe.layers.experts.feed_forward import FeedForwardExperts


@keras.saving.register_keras_serializable(package="ctrmoe")
class ProductExperts(FeedForwardExperts):
    """Multilayer perceptrons with the weights `W_shared ⊙ W_e` and `b_shared + b_e`.

    Every row trains the shared weights, only the rows of an expert train its own. At first all
    `W_e` are 1 and all biases 0, so that the experts are one network.

    Args:
        num_experts: Number of experts, E.
        units: Width of each layer.
        activation: Activation of the hidden layers.
        output_activation: That of the last layer; None is linear.
        dropout: Share of the hidden layers' outputs set to zero while training.
        kernel_initializer: Initializer of `W_shared`.
        expert_initializer: Initializer of every `W_e`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E, units[-1]]`.

    Reference:
        Sheng et al., One Model to Serve All: Star Topology Adaptive Recommender for Multi-Domain
        CTR Prediction, 2021, arXiv:2101.11427; Li et al., AdaptDHM:
        Adaptive Distribution Hierarchical Model for Multi-Domain CTR Prediction, 2022,
        arXiv:2211.12105.
    """

    def __init__(
        self,
        num_experts: int,
        units: Sequence[int],
        *,
        activation: Any = "relu",
        output_activation: Any = None,
        dropout: float = 0.0,
        kernel_initializer: Any = "glorot_uniform",
        expert_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            num_experts,
            units,
            activation=activation,
            output_activation=output_activation,
            dropout=dropout,
            kernel_initializer=kernel_initializer,
            **kwargs,
        )
        self.expert_initializer = keras.initializers.get(expert_initializer)

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        widths = itertools.pairwise([int(input_shape[-1] or 0), *self.units])
        self.shared_kernels, self.shared_biases = [], []
        for index, shape in enumerate(widths):
            self.shared_kernels.append(
                self.add_weight(
                    name=f"shared_kernel_{index}",
                    shape=shape,
                    initializer=copy(self.kernel_initializer),
                )
            )
            self.shared_biases.append(
                self.add_weight(name=f"shared_bias_{index}", shape=shape[1:], initializer="zeros")
            )

    @property
    def own_initializer(self) -> Any:
        return self.expert_initializer

    def tensors(self) -> dict[str, Any]:
        own = super().tensors()
        pairs = zip(self.shared_kernels, self.shared_biases, strict=True)
        for index, (kernel, bias) in enumerate(pairs):
            own[f"kernel_{index}"] = own[f"kernel_{index}"] * kernel
            own[f"bias_{index}"] = own[f"bias_{index}"] + bias
        return own

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.expert_initializer)
        return {**super().get_config(), "expert_initializer": initializer}
