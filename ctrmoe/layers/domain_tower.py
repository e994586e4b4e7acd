"""A head of one task for each domain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_rate
from ctrmoe.layers.domain_experts import DomainExperts


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainTower(keras.layers.Layer):
    """Logit of one task by the MLP of the row's domain: `logit = w_pᵀ MLP_p(flatten(x)) + b_p`.

    A row computes its own domain's tower only. In float32 whatever the policy, as the logit of
    `Tower` is.

    Args:
        num_domains: Number of domains, domain 0 included, which takes any number that is none.
        units: Widths of the hidden layers.
        activation: Activation of the hidden layers.
        dropout: Share of outputs set to zero while training, after every hidden layer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B]`, float32.

    Example:

    >>> DomainTower(3, [8])(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2])
    """

    def __init__(
        self,
        num_domains: int,
        units: Sequence[int] = (),
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.units = list(units)
        self.activation = keras.activations.get(activation)
        self.dropout = check_rate("dropout", dropout)
        self.experts = DomainExperts(
            num_domains,
            [*self.units, 1],
            bank={"activation": self.activation, "dropout": dropout},
            dtype="float32",
            name="experts",
        )
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))
        if not self.experts.built:
            width = math.prod(int(size or 0) for size in input_shape[1:])
            self.experts.build((None, width))

    def call(self, inputs: Any, domain: Any, training: bool | None = None) -> Any:
        x = ops.reshape(inputs, (-1, math.prod(inputs.shape[1:])))
        return ops.squeeze(self.experts(x, domain, training=training), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0],)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "num_domains": self.num_domains,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
        }
