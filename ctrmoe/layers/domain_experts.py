"""A network for each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.dispatch import dispatch
from ctrmoe.layers.experts import EXPERTS
from ctrmoe.layers.known_domain import known_domain
from ctrmoe.layers.registry import create


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainExperts(keras.layers.Layer):
    """Applies the network of its own domain to each row, `y = f_domain(x)`.

    Each network computes the rows of its domain only, so that a step costs the same whatever the
    number of domains.

    Args:
        num_domains: Number of domains, domain 0 included, which stands for all that training knows
            no domain of, and takes any number that is none.
        units: Width of each layer; the last is linear.
        kind: Of the bank, in `EXPERTS`.
        bank: Its other options.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` and the domains, `[B]` int32.

    Output shape:
        `[B, units[-1]]`.

    Raises:
        ValueError: If the bank does not take one of its options.

    Example:

    >>> experts = DomainExperts(3, [8])
    >>> experts(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        num_domains: int,
        units: Sequence[int],
        *,
        kind: str = "feed_forward",
        bank: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.kind = kind
        self.bank_options = dict(bank or {})
        self.bank = create(
            EXPERTS,
            kind,
            num_experts=num_domains,
            units=units,
            **self.bank_options,
            dtype=self.dtype_policy,
            name="bank",
        )
        self.bank.rows_per_domain = 1
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.input_spec = keras.layers.InputSpec(ndim=2, axes={-1: input_shape[-1]})
        if not self.bank.built:
            self.bank.build((None, input_shape[-1]))

    def call(self, inputs: Any, domain: Any, training: bool | None = None) -> Any:
        domain = known_domain(domain, self.num_domains)
        own = {"index": domain[:, None], "gate": ops.ones_like(domain[:, None], "float32")}
        return dispatch(inputs, [own], self.bank, training=training)[0]

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.bank.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "units": self.bank.units,
            "kind": self.kind,
            "bank": self.bank_options,
        }
