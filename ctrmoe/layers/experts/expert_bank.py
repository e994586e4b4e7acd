"""What the banks of experts have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer


class ExpertBank(keras.layers.Layer):
    """Base of banks of E experts that map `[T, H]` to `[T, U]` each.

    All weights have the experts as leading axis, and `compute` applies one expert to each of N
    blocks of rows. Whether these are all experts on all rows or each expert on the rows that chose
    it is the dispatch's business (`ctrmoe.layers.dispatch`).

    A child calls `expert_weight` in `build` and gives `compute` and `output_dim`; one whose experts
    end in a linear map may set `fuses` and give `fused`.

    Args:
        num_experts: Number of experts, E.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`.

    Output shape:
        `[T, E, U]`, the results of all experts.
    """

    fuses = False
    rows_per_domain = 0
    """How many experts in a row each domain has for itself; what follows them is for all."""

    def __init__(self, num_experts: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_experts = check_positive_integer("num_experts", num_experts)
        self.weights_by_expert: list[Any] = []

    @property
    @abstractmethod
    def output_dim(self) -> int:
        """The width U of a result."""

    @abstractmethod
    def tensors(self) -> dict[str, Any]:
        """What `compute` reads of the experts, `[E, …]` each."""

    @abstractmethod
    def compute(self, x: Any, tensors: Mapping[str, Any], training: bool | None = None) -> Any:
        """Applies an expert to each block of rows.

        Args:
            x: `[N, b, H]`, or `[1, b, H]` for the same rows to all.
            tensors: What `tensors` returns, gathered to one expert a block, `[N, …]` each.
            training: Whether dropout acts.

        Returns:
            `[N, b, U]`.
        """

    def fused(self, x: Any, gates: Sequence[Any], training: bool | None = None) -> list[Any]:
        """Weighted sums of all results without `[T, E, U]` in memory, one for each of `gates`.

        Args:
            x: `[T, H]`.
            gates: Weights of the experts, `[T, E]` each.
            training: Whether dropout acts.

        Returns:
            `[T, U]` each.
        """
        raise NotImplementedError

    def expert_weight(self, name: str, shape: Sequence[int], initializer: Any) -> Any:
        """Adds a weight `[E, *shape]`, each expert's part drawn by itself."""
        weight = self.add_weight(
            name=name,
            shape=(self.num_experts, *shape),
            initializer=_per_expert(initializer),
        )
        self.weights_by_expert.append(weight)
        return weight

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        results = self.compute(inputs[None], self.tensors(), training=training)
        return ops.transpose(results, (1, 0, 2))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_experts, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_experts": self.num_experts}


def _per_expert(initializer: Any) -> Any:
    """Draws slice by slice: Keras would take the axis of the experts for a receptive field."""
    initializer = keras.initializers.get(initializer)

    def draw(shape: Sequence[int], dtype: Any = None) -> Any:
        # An unseeded initializer repeats its draw; its clones draw anew.
        slices = [copy(initializer)(tuple(shape[1:]), dtype=dtype) for _ in range(shape[0])]
        return ops.stack(slices)

    return draw


def copy(initializer: Any) -> Any:
    """Another initializer of the same kind; unseeded, it draws other values."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer
