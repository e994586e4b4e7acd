"""Logits of the experts of all domains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainLogits(keras.layers.Layer):
    """`z = x Wᵀ`, with rows of `W` for each domain and then rows for all.

    Computed in float32 whatever the policy, as the scores of a router.

    Args:
        num_domains: Number of domains, domain 0 included.
        rows_per_domain: Number of logits that each domain has in a row.
        shared_rows: Number of logits after those of domains.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]`.

    Output shape:
        `[B, num_domains · rows_per_domain + shared_rows]`, float32.
    """

    def __init__(
        self, num_domains: int, rows_per_domain: int, *, shared_rows: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.rows_per_domain = check_positive_integer("rows_per_domain", rows_per_domain)
        self.shared_rows = shared_rows

    @property
    def num_rows(self) -> int:
        """The number of logits."""
        return self.num_domains * self.rows_per_domain + self.shared_rows

    def build(self, input_shape: Sequence[int | None]) -> None:
        # The logits lead in the kernel, so that it grows with the domains as their experts do.
        shape = (self.num_rows, int(input_shape[-1] or 0))
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")

    def call(self, inputs: Any) -> Any:
        return ops.matmul(inputs, ops.transpose(self.kernel))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_rows)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "num_domains": self.num_domains,
            "rows_per_domain": self.rows_per_domain,
            "shared_rows": self.shared_rows,
        }
