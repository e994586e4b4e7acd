"""Scales that a small network computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_positive, check_positive_integer


@keras.saving.register_keras_serializable(package="ctrmoe")
class GateUnit(keras.layers.Layer):
    """Scales between 0 and γ, `δ = γ σ(ReLU(x W + b) W' + b')`; 1 where `W'` and `b'` are 0.

    Args:
        units: Number of scales.
        hidden_units: Width of `W`.
        gamma: `γ`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[..., H]`.

    Output shape:
        `[..., units]`.

    Raises:
        ValueError: If a width is not a positive integer or `gamma` is not positive.

    Reference:
        Chang et al., PEPNet: Parameter and Embedding Personalized Network for Infusing with
        Personalized Prior Information, 2023, arXiv:2302.01115, its gate neural unit.
    """

    def __init__(self, units: int, hidden_units: int, *, gamma: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = check_positive_integer("units", units)
        self.hidden_units = check_positive_integer("hidden_units", hidden_units)
        self.gamma = check_positive("gamma", gamma)
        self.hidden = keras.layers.Dense(
            hidden_units, activation="relu", dtype=self.dtype_policy, name="hidden"
        )
        self.scales = keras.layers.Dense(
            units, activation="sigmoid", dtype=self.dtype_policy, name="scales"
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.hidden.build(input_shape)
        self.scales.build((*input_shape[:-1], self.hidden_units))

    def call(self, inputs: Any) -> Any:
        return self.gamma * self.scales(self.hidden(inputs))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "hidden_units": self.hidden_units,
            "gamma": self.gamma,
        }
