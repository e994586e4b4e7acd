"""One matrix for the tables of many fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers.table_rows import gather_rows

PADDING, UNKNOWN = 0, 2


@keras.saving.register_keras_serializable(package="ctrmoe")
class FusedTable(keras.layers.Layer):
    """Reads rows of several tables that lie one after another in a single matrix.

    Column `c` of the ids reads row `Σ_{t < tables[c]} vocabulary_sizes[t] + id`. Id 0 (padding)
    gives the zero vector; an id outside its vocabulary reads the row of id 2 (unknown).
    On TensorFlow the rows are gathered from the variable itself, so that their gradient is
    `tf.IndexedSlices` and an optimizer can update them in place.

    Args:
        vocabulary_sizes: Number of ids of each table.
        tables: For each column of ids, the index of its table.
        dim: Width of the matrix.
        initializer: Initializer of the matrix.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, C]` int32, with `C = len(tables)`; or those of some `columns` only.

    Output shape:
        `[B, C, dim]` in the variable's dtype, whatever the compute dtype.
    """

    def __init__(
        self,
        vocabulary_sizes: Sequence[int],
        tables: Sequence[int],
        dim: int,
        *,
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        # Without this, Keras would cast the whole matrix under mixed precision.
        super().__init__(**{**kwargs, "autocast": False})
        # Keras would compile the whole training step, and XLA makes the gradient dense.
        self.supports_jit = False
        self.vocabulary_sizes = list(vocabulary_sizes)
        self.tables = list(tables)
        self.dim = dim
        self.initializer = keras.initializers.get(initializer)
        starts = np.cumsum([0, *self.vocabulary_sizes])
        self._offsets = starts[self.tables].astype("int32")
        self._sizes = np.array(self.vocabulary_sizes, "int32")[self.tables]

    def build(self, input_shape: Sequence[int | None]) -> None:
        self.table = self.add_weight(
            name="table",
            shape=(sum(self.vocabulary_sizes), self.dim),
            initializer=self.initializer,
            trainable=self.trainable,
            # Keras casts the weights of an outermost layer even where the layer forbids it.
            autocast=False,
        )

    def call(self, inputs: Any, columns: Sequence[int] | None = None) -> Any:
        chosen = slice(None) if columns is None else list(columns)
        known = ops.logical_and(inputs >= 0, inputs < self._sizes[chosen])
        # Keras builds a reloaded model with symbols of floats, whatever it reads.
        ids = ops.cast(ops.where(known, inputs, UNKNOWN), "int32")
        mask = ops.cast(ops.not_equal(inputs, PADDING), self.variable_dtype)
        return gather_rows(self.table, ids + self._offsets[chosen]) * ops.expand_dims(mask, -1)

    def rows(self, table: int) -> np.ndarray:
        """Returns the rows of one table, `[V, dim]`."""
        start = sum(self.vocabulary_sizes[:table])
        stop = start + self.vocabulary_sizes[table]
        return np.array(ops.convert_to_numpy(self.table)[start:stop])

    def assign_rows(self, table: int, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Writes vectors `[n, dim]` into the rows of these ids of one table."""
        matrix = np.array(ops.convert_to_numpy(self.table))
        matrix[sum(self.vocabulary_sizes[:table]) + ids] = vectors
        self.table.assign(matrix)

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor((*inputs.shape, self.dim), dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_sizes": self.vocabulary_sizes,
            "tables": self.tables,
            "dim": self.dim,
            "initializer": keras.initializers.serialize(self.initializer),
        }
