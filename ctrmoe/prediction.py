"""Runs a graph over encoded rows in a few fixed batch sizes, so that it is never traced anew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.data.dataset import Arrays, pack
from ctrmoe.data.packed import Encoded

BATCH_SIZES = (64, 256, 1024, 4096)
"""Small models want the largest; attention over 39 fields is no slower with it than with 1,024."""
MAX_THREADS = 8


def reads_domain(model: keras.Model) -> bool:
    """Returns whether a model takes the domain beside the features."""
    return any(tensor.name == "domain" for tensor in model.inputs)


def input_signature(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Returns the packed matrices that a model takes, for any number of rows.

    A graph of known batch sizes would be traced once for each, and can't run side by side: to sums
    of large tensors TensorFlow may give a place by name, which two calls at once would share
    (AlreadyExistsError).
    """
    return {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs}


def batches(model: keras.Model, encoded: Encoded, size: int) -> Iterator[tuple[slice, Arrays]]:
    """Cuts encoded rows into batches of the packed matrices; yields where each lies."""
    rows = pack(encoded, reads_domain(model))
    count = len(encoded.ids)
    for start in range(0, count, size):
        where = slice(start, min(start + size, count))
        yield where, {name: np.ascontiguousarray(matrix[where]) for name, matrix in rows.items()}


class Predictor:
    """Predicts chunks of any size; the last rows are padded up to the next fixed size.

    A prediction depends on its own row alone, so the padding rows change nothing. The batches of
    a chunk run side by side: while one call waits for the end of an operation, another computes.

    Args:
        graph: Takes the packed matrices by name and returns one `[B]` or `[B, 1]` a task. A
            `tf.function` has an `input_signature`.
        tasks: Names of the outputs to return.
        batch_sizes: The sizes that the graph may be called with, ascending.
        reads_domain: Whether the graph takes the domain.
    """

    def __init__(
        self,
        graph: Callable[[dict[str, Any]], dict[str, Any]],
        tasks: Sequence[str],
        batch_sizes: Sequence[int] = BATCH_SIZES,
        *,
        reads_domain: bool = False,
    ) -> None:
        self.graph = graph
        self.tasks = list(tasks)
        self.batch_sizes = tuple(batch_sizes)
        self.reads_domain = reads_domain
        # More would only hold more memory: each call has all the cores at its disposal.
        self._threads = ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_THREADS))

    @classmethod
    def of_model(cls, model: keras.Model, tasks: Sequence[str]) -> Predictor:
        """Predicts the logits of a Keras model."""
        graph = tf.function(
            lambda inputs: model(inputs, training=False), input_signature=[input_signature(model)]
        )
        return cls(graph, tasks, reads_domain=reads_domain(model))

    def __call__(self, encoded: Encoded, *, side_by_side: bool = True) -> Arrays:
        """Returns one float32 `[n]` for each task.

        Args:
            encoded: The rows.
            side_by_side: Whether batches run in threads; one that calls from threads needs none.
        """
        rows = pack(encoded, self.reads_domain)
        count = len(next(iter(rows.values())))
        outputs = {task: np.empty(count, np.float32) for task in self.tasks}

        def predict(cut: tuple[slice, int]) -> None:
            where, size = cut
            result = self.graph({name: _padded(rows[name][where], size) for name in rows})
            for task, column in outputs.items():
                column[where] = np.reshape(result[task], -1)[: where.stop - where.start]

        # `list` waits for all of them, and raises what one of them has raised.
        list((self._threads.map if side_by_side else map)(predict, self._cuts(count)))
        return outputs

    def _cuts(self, count: int) -> Iterator[tuple[slice, int]]:
        """Yields the rows of each batch and its size: few are padded by more than they have."""
        start = 0
        while start < count:
            left = count - start
            size = next((size for size in self.batch_sizes if size >= left), self.batch_sizes[-1])
            if size > 2 * left:
                size = max((size for size in self.batch_sizes if size <= left), default=size)
            stop = min(start + size, count)
            yield slice(start, stop), size
            start = stop


def _padded(matrix: np.ndarray, size: int) -> tf.Tensor:
    rows = len(matrix)
    return tf.constant(matrix if rows == size else np.pad(matrix, ((0, size - rows), (0, 0))))
