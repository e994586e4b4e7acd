"""A vector for each domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.known_domain import known_domain


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainEmbedding(keras.layers.Layer):
    """The vector of each row's domain: `[B]` int32 to `[B, dim]`.

    Also the place of any weight that a domain has for itself, such as scales that start as ones.

    Args:
        num_domains: Number of domains, domain 0 included, which takes any number that is none.
        dim: Width of a vector.
        initializer: Initializer of the vectors.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B]` int32.

    Output shape:
        `[B, dim]`.
    """

    rows_per_domain = 1

    def __init__(
        self, num_domains: int, dim: int, *, initializer: Any = "random_normal", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.dim = check_positive_integer("dim", dim)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape: Sequence[int | None] = ()) -> None:
        self.vectors = self.add_weight(
            name="vectors", shape=(self.num_domains, self.dim), initializer=self.initializer
        )

    def call(self, domain: Any) -> Any:
        return ops.take(self.vectors, known_domain(domain, self.num_domains), axis=0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "dim": self.dim,
            "initializer": keras.initializers.serialize(self.initializer),
        }
