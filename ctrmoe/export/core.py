"""The model as one function that all signatures of an export share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from ctrmoe.export.options import ExportOptions
from ctrmoe.export.served_tables import ServedTables
from ctrmoe.layers.table_rows import reading_tables

Tensors = dict[str, tf.Tensor]


class Core:
    """From packed matrices to logits; compiled, it runs at the batch buckets alone.

    Args:
        model: The Keras model.
        tables: Read its tables.
        encoded: Specs of the packed matrices, of which the model reads some.
        options: Say whether XLA compiles the function, and the buckets.
    """

    def __init__(
        self,
        model: keras.Model,
        tables: ServedTables,
        encoded: Mapping[str, tf.TensorSpec],
        options: ExportOptions,
    ) -> None:
        self._read = [tensor.name for tensor in model.inputs]
        self._tasks = list(model.output)
        self._buckets = options.batch_buckets if options.jit else ()

        def logits(packed: Tensors) -> Tensors:
            with reading_tables(tables):
                answer: Tensors = model(packed, training=False)
            return answer

        self.function = tf.function(
            logits,
            input_signature=[{name: encoded[name] for name in self._read}],
            autograph=False,
            jit_compile=options.jit or None,
        )

    def __call__(self, encoded: Tensors) -> Tensors:
        """Returns the logits `[B]` of each task."""
        packed = {name: encoded[name] for name in self._read}
        if not self._buckets:
            answer: Tensors = self.function(packed)
            return answer
        return in_buckets(self.function, packed, self._tasks, self._buckets)


def in_buckets(
    answer: Callable[[Tensors], Tensors],
    rows: Tensors,
    outputs: Sequence[str],
    buckets: Sequence[int],
) -> Tensors:
    """Calls a function with as many rows as a bucket has, for XLA compiles every size anew.

    The rows are padded with zeros to the next bucket; those of more than the largest bucket are
    answered in parts of it.

    Args:
        answer: From `[n, …]` by name to float32 `[n]` by name.
        rows: What to answer, matrices by name.
        outputs: The names in the answer.
        buckets: Ascending.
    """
    count = tf.shape(next(iter(rows.values())))[0]
    place = tf.minimum(tf.searchsorted(buckets, [count])[0], len(buckets) - 1)
    size = tf.gather(buckets, place)
    parts = tf.maximum(-(-count // size), 1)

    def cut(matrix: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(matrix, [[0, parts * size - count], [0, 0]])
        return tf.reshape(padded, (parts, size, matrix.shape[1]))

    parts_of = {name: cut(matrix) for name, matrix in rows.items()}
    specs = {name: tf.TensorSpec((None,), tf.float32) for name in outputs}
    answers = tf.map_fn(answer, parts_of, fn_output_signature=specs)
    return {name: tf.reshape(column, (-1,))[:count] for name, column in answers.items()}
