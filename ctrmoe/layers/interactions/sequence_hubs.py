"""One token for each behaviour sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ctrmoe")
class SequenceHubs(keras.layers.Layer):
    """Averages a projection of every sequence: `h_a = (1/n_a) Σ_t (s_{a,t} W_a + b_a)`.

    Padding is no term of the sum; a sequence that is all padding gives zeros.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        A list of sequences `[B, L, D]`, whose lengths may differ, and the list `keep` of boolean
        masks `[B, L]`, true where there is no padding.

    Output shape:
        `[B, A, D]` for A sequences.

    Reference:
        arXiv:2508.11565v2.
    """

    def build(self, sequences_shape: Sequence[Sequence[int | None]]) -> None:
        dims = [shape[-1] for shape in sequences_shape]
        self.kernels = [
            self.add_weight(shape=(dim, dim), name=f"kernel_{i}") for i, dim in enumerate(dims)
        ]
        self.biases = [
            self.add_weight(shape=(dim,), initializer="zeros", name=f"bias_{i}")
            for i, dim in enumerate(dims)
        ]

    def call(self, sequences: Sequence[Any], keep: Sequence[Any]) -> Any:
        parts = zip(sequences, keep, self.kernels, self.biases, strict=True)
        return ops.stack([_hub(*part) for part in parts], axis=1)

    def compute_output_shape(
        self, sequences_shape: Sequence[Sequence[int | None]]
    ) -> tuple[int | None, ...]:
        batch, _, dim = sequences_shape[0]
        return (batch, len(sequences_shape), dim)


def _hub(sequence: Any, keep: Any, kernel: Any, bias: Any) -> Any:
    weights = ops.cast(keep, sequence.dtype)
    count = ops.sum(weights, axis=1)[:, None]
    # The mean first: it commutes with the projection, which then has one token instead of L.
    total = ops.matmul(weights[:, None, :], sequence)[:, 0]
    hub = ops.matmul(total / ops.maximum(count, 1), kernel) + bias
    return hub * ops.minimum(count, 1)
