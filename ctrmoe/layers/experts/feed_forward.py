"""Experts that are stacks of dense layers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_rate
from ctrmoe.layers.experts.expert_bank import ExpertBank


@keras.saving.register_keras_serializable(package="ctrmoe")
class FeedForwardExperts(ExpertBank):
    """Multilayer perceptrons: `x ← f(x W_e + b_e)` for each width in `units`, the last with `g`.

    Args:
        num_experts: Number of experts, E.
        units: Width of each layer.
        activation: `f`, of the hidden layers.
        output_activation: `g`; None is linear, which lets the sum over experts be part of the last
            product.
        dropout: Share of the hidden layers' outputs set to zero while training.
        kernel_initializer: Initializer of every expert's `W`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E, units[-1]]`.

    Raises:
        ValueError: If a width or `num_experts` is not a positive integer, `units` is empty or
            `dropout` lies outside [0, 1).

    Reference:
        Jacobs et al., Adaptive Mixtures of Local Experts, 1991; as towers of several tasks: Ma et
        al., Modeling Task Relationships in Multi-task Learning with Multi-gate
        Mixture-of-Experts, 2018.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        self.units = [check_positive_integer("units", width) for width in units]
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.dropout = check_rate("dropout", dropout)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    @property
    def fuses(self) -> bool:  # type: ignore[override]
        return self.output_activation is keras.activations.linear

    @property
    def output_dim(self) -> int:
        return self.units[-1]

    @property
    def own_initializer(self) -> Any:
        """Initializer of what each expert has for itself."""
        return self.kernel_initializer

    def build(self, input_shape: Sequence[int | None]) -> None:
        widths = itertools.pairwise([int(input_shape[-1] or 0), *self.units])
        self.kernels, self.biases = [], []
        for index, shape in enumerate(widths):
            self.kernels.append(self.expert_weight(f"kernel_{index}", shape, self.own_initializer))
            self.biases.append(self.expert_weight(f"bias_{index}", shape[1:], "zeros"))

    def tensors(self) -> dict[str, Any]:
        pairs = zip(self.kernels, self.biases, strict=True)
        return {
            name: ops.convert_to_tensor(weight)
            for index, (kernel, bias) in enumerate(pairs)
            for name, weight in ((f"kernel_{index}", kernel), (f"bias_{index}", bias))
        }

    def compute(self, x: Any, tensors: Mapping[str, Any], training: bool | None = None) -> Any:
        last = len(self.units) - 1
        for index in range(len(self.units)):
            x = ops.matmul(x, tensors[f"kernel_{index}"]) + tensors[f"bias_{index}"][:, None]
            x = self.output_activation(x) if index == last else self._hidden(x, training)
        return x

    def fused(self, x: Any, gates: Sequence[Any], training: bool | None = None) -> list[Any]:
        tensors = self.tensors()
        last = len(self.units) - 1
        hidden = x[:, None]  # the same for all experts, until there is a hidden layer
        for index in range(last):
            kernel, bias = tensors[f"kernel_{index}"], tensors[f"bias_{index}"]
            if index:
                product = ops.einsum("teh,ehk->tek", hidden, kernel)
            else:
                product = _of_all(x, kernel)
            hidden = self._hidden(product + bias, training)
        kernel = ops.reshape(tensors[f"kernel_{last}"], (-1, self.output_dim))
        return [
            ops.matmul(ops.reshape(hidden * gate[..., None], (-1, kernel.shape[0])), kernel)
            + ops.matmul(gate, tensors[f"bias_{last}"])
            for gate in gates
        ]

    def _hidden(self, x: Any, training: bool | None) -> Any:
        return self.dropout_layer(self.activation(x), training=training)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "dropout": self.dropout,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _of_all(x: Any, kernel: Any) -> Any:
    """`x` times the kernels of all experts `[E, H, U]` as one product, `[T, E, U]`."""
    experts, width, units = kernel.shape
    joined = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (width, experts * units))
    return ops.reshape(ops.matmul(x, joined), (-1, experts, units))
