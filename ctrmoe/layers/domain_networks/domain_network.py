"""What the networks of several domains have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.known_domain import known_domain


class DomainNetwork(keras.layers.Layer):
    """Base of networks that treat a row by its domain, between the interaction and the towers.

    Domain 0 stands for all that training knows no domain of; its weights are trained on rows whose
    domain is hidden from the network (`ctrmoe.layers.DomainIndex`). A prediction depends on its
    own row alone.

    A child gives `build_flat`, `call_flat` and `output_dim`, and `by_task` where each task has a
    result of its own.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks, T.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32. A number
        that is no domain's is taken for domain 0.

    Output shape:
        `[B, U]`, or `[B, T, U]` where `by_task`.
    """

    by_task = False

    def __init__(self, num_domains: int, num_tasks: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.num_tasks = check_positive_integer("num_tasks", num_tasks)
        self.input_spec = keras.layers.InputSpec(min_ndim=2)

    @property
    @abstractmethod
    def output_dim(self) -> int:
        """The width U of a result."""

    @abstractmethod
    def build_flat(self, width: int) -> None:
        """Builds the children and weights for rows of `width` numbers."""

    @abstractmethod
    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        """Computes `[B, U]` or `[B, T, U]` of `[B, H]`."""

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.input_spec = keras.layers.InputSpec(shape=(None, *input_shape[1:]))
        self.build_flat(math.prod(int(size or 0) for size in input_shape[1:]))

    def call(self, inputs: Any, domain: Any, training: bool | None = None) -> Any:
        x = ops.reshape(inputs, (-1, math.prod(inputs.shape[1:])))
        return self.call_flat(x, known_domain(domain, self.num_domains), training)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        tasks = (self.num_tasks,) if self.by_task else ()
        return (input_shape[0], *tasks, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "num_domains": self.num_domains, "num_tasks": self.num_tasks}
