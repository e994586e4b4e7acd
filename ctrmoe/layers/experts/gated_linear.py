"""Experts whose hidden layer is a product of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.experts.expert_bank import ExpertBank


@keras.saving.register_keras_serializable(package="ctrmoe")
class GatedLinearExperts(ExpertBank):
    """Gated linear units: `(f(x W_e + b_e) ⊙ (x V_e + c_e)) O_e + o_e`.

    Args:
        num_experts: Number of experts, E.
        hidden_units: Width of the product.
        units: Width of the result.
        activation: `f`.
        kernel_initializer: Initializer of every expert's matrices.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E, units]`.

    Raises:
        ValueError: If a width or `num_experts` is not a positive integer.

    Reference:
        Shazeer, GLU Variants Improve Transformer, 2020, arXiv:2002.05202, with biases;
        the default is SwiGLU.
    """

    def __init__(
        self,
        num_experts: int,
        hidden_units: int,
        units: int,
        *,
        activation: Any = "silu",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        self.hidden_units = check_positive_integer("hidden_units", hidden_units)
        self.units = check_positive_integer("units", units)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    @property
    def output_dim(self) -> int:
        return self.units

    def build(self, input_shape: Sequence[int | None]) -> None:
        width = int(input_shape[-1] or 0)
        shapes = {
            "gate": (width, self.hidden_units),
            "value": (width, self.hidden_units),
            "output": (self.hidden_units, self.units),
        }
        self.parts: dict[str, Any] = {}
        for name, shape in shapes.items():
            kernel = self.expert_weight(f"{name}_kernel", shape, self.kernel_initializer)
            bias = self.expert_weight(f"{name}_bias", shape[1:], "zeros")
            self.parts |= {f"{name}_kernel": kernel, f"{name}_bias": bias}

    def tensors(self) -> dict[str, Any]:
        return {name: ops.convert_to_tensor(weight) for name, weight in self.parts.items()}

    def compute(self, x: Any, tensors: Mapping[str, Any], training: bool | None = None) -> Any:
        gate = self.activation(_affine(x, tensors, "gate"))
        return _affine(gate * _affine(x, tensors, "value"), tensors, "output")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _affine(x: Any, tensors: Mapping[str, Any], name: str) -> Any:
    return ops.matmul(x, tensors[f"{name}_kernel"]) + tensors[f"{name}_bias"][:, None]
