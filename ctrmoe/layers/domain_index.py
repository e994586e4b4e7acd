"""From the id of a domain to its number in the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_rate

RESERVED_IDS = 2
"""Ids before the one of unknown domains and those of the domains: padding and missing."""


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainIndex(keras.layers.Layer):
    """The number of each row's domain: 0 where it is missing or unknown, else from 1 on.

    While training the domain of some rows is hidden, so that what the model has for domain 0 learns
    from rows of all domains. A domain that training never saw then gets a prediction for rows of
    any domain, not one of weights as they were drawn.

    Args:
        num_domains: Number of domains, domain 0 included.
        dropout: Share of the rows whose domain is hidden while training.
        seed: Of the choice of rows; drawn if left out.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, 1]` int32: 1 missing, 2 unknown, then the domains.

    Output shape:
        `[B]` int32.

    Raises:
        ValueError: If `num_domains` is not a positive integer or `dropout` lies outside [0, 1).
    """

    def __init__(
        self, num_domains: int, *, dropout: float = 0.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "int32"})
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.dropout = check_rate("dropout", dropout)
        self.seed = seed
        self.input_spec = keras.layers.InputSpec(shape=(None, 1))
        self.random = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        index = ops.cast(inputs[:, 0], "int32") - RESERVED_IDS
        known = (index > 0) & (index < self.num_domains)
        if training and self.dropout:
            draws = keras.random.uniform(ops.shape(index), dtype="float32", seed=self.random)
            known = known & (draws >= self.dropout)
        return ops.where(known, index, 0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0],)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Nothing to build: there are no weights but the state of the draws."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "num_domains": self.num_domains,
            "dropout": self.dropout,
            "seed": self.seed,
        }
