"""Tables of far fewer rows than ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers._checks import check_choice
from ctrmoe.layers.fused_table import PADDING, UNKNOWN
from ctrmoe.layers.table_rows import gather_rows

OPERATIONS = ("add", "concatenate", "multiply")


@keras.saving.register_keras_serializable(package="ctrmoe")
class ComposedTable(keras.layers.Layer):
    """Gives each id an embedding of its own, composed of two rows that it shares with others:

        e = R[id mod m] ∘ Q[id div m]

    `R`, the table of remainders, has m rows, `Q`, that of quotients, ⌈V / m⌉, together as few as
    2 √V for V ids. As `∘` the rows are multiplied, added, or put side by side, half as wide each.
    Id 0 (padding) gives the zero vector; an id outside its vocabulary reads id 2 (unknown).

    Both tables of all fields lie in one matrix, gathered from at once; its gradient is
    `tf.IndexedSlices`, so that an optimizer can update the rows in place.

    Args:
        vocabulary_sizes: Number V of ids of each field's tables.
        buckets: Number m of remainders of each.
        tables: For each column of ids, the index of its tables.
        dim: Width of an embedding.
        operation: `∘`, a key of `OPERATIONS`; the paper finds `multiply` best.
        initializer: Initializer of the matrix. With `multiply` the rows of `Q` start as 1 plus
            what it gives: products of two small numbers would hardly learn.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, C]` int32, with `C = len(tables)`; or those of some `columns` only.

    Output shape:
        `[B, C, dim]` in the variable's dtype, whatever the compute dtype.

    Raises:
        ValueError: If `operation` is unknown, or `dim` is odd where rows are put side by side.

    Reference:
        Shi et al., Compositional Embeddings Using Complementary Partitions for Memory-Efficient
        Recommendation Systems, 2019, arXiv:1909.02107, "quotient-remainder trick". The
        1 that quotients start from is ours.
    """

    def __init__(
        self,
        vocabulary_sizes: Sequence[int],
        buckets: Sequence[int],
        tables: Sequence[int],
        dim: int,
        *,
        operation: str = "multiply",
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        # As in `FusedTable`: Keras would cast the whole matrix, and XLA make its gradient dense.
        super().__init__(**{**kwargs, "autocast": False})
        self.supports_jit = False
        self.vocabulary_sizes = list(vocabulary_sizes)
        self.buckets = list(buckets)
        self.tables = list(tables)
        self.dim = dim
        self.operation = check_choice("operation", operation, OPERATIONS)
        if operation == "concatenate" and dim % 2:
            raise ValueError(f"`dim` must be even for 'concatenate'. Received: dim={dim}.")
        self.initializer = keras.initializers.get(initializer)
        quotients = [-(-v // m) for v, m in zip(self.vocabulary_sizes, self.buckets, strict=True)]
        self._num_remainders = sum(self.buckets)
        self._num_quotients = sum(quotients)
        starts = np.cumsum([0, *self.buckets, *quotients]).astype("int32")
        self._starts = (starts[self.tables], starts[len(self.buckets) :][self.tables])
        self._sizes = np.array(self.vocabulary_sizes, "int32")[self.tables]
        self._divisors = np.array(self.buckets, "int32")[self.tables]

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.table = self.add_weight(
            name="table",
            shape=(
                self._num_remainders + self._num_quotients,
                self.dim // 2 if self.operation == "concatenate" else self.dim,
            ),
            initializer=self._initial,
            trainable=self.trainable,
            # Keras casts the weights of an outermost layer even where the layer forbids it.
            autocast=False,
        )

    def _initial(self, shape: Sequence[int], dtype: Any = None) -> Any:
        matrix = self.initializer(shape, dtype=dtype)
        if self.operation != "multiply":
            return matrix
        of_quotients = ops.arange(shape[0]) >= self._num_remainders
        return matrix + ops.cast(of_quotients, matrix.dtype)[:, None]

    def call(self, inputs: Any, columns: Sequence[int] | None = None) -> Any:
        chosen = slice(None) if columns is None else list(columns)
        known = ops.logical_and(inputs >= 0, inputs < self._sizes[chosen])
        ids = ops.cast(ops.where(known, inputs, UNKNOWN), "int32")
        divisors, starts = self._divisors[chosen], [start[chosen] for start in self._starts]
        remainders = ops.mod(ids, divisors) + starts[0]
        quotients = ops.floor_divide(ids, divisors) + starts[1]
        rows = gather_rows(self.table, ops.concatenate([remainders, quotients], axis=1))
        mask = ops.cast(ops.not_equal(inputs, PADDING), self.variable_dtype)
        return self._compose(*ops.split(rows, 2, axis=1)) * ops.expand_dims(mask, -1)

    def _compose(self, remainders: Any, quotients: Any) -> Any:
        if self.operation == "multiply":
            return remainders * quotients
        if self.operation == "add":
            return remainders + quotients
        return ops.concatenate([remainders, quotients], axis=-1)

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape, self.dim), dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_sizes": self.vocabulary_sizes,
            "buckets": self.buckets,
            "tables": self.tables,
            "dim": self.dim,
            "operation": self.operation,
            "initializer": keras.initializers.serialize(self.initializer),
        }
