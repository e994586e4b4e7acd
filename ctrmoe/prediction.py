"""Runs a graph over encoded rows in a few fixed batch sizes, so that it is never traced anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.data.dataset import Arrays, pack
from ctrmoe.data.encode import Encoded

BATCH_SIZES = (64, 512, 4096)


class Predictor:
    """Predicts chunks of any size; the last rows are padded up to the next fixed size.

    A prediction depends on its own row alone, so the padding rows change nothing.

    Args:
        graph: Takes the packed matrices by name and returns one `[B]` or `[B, 1]` a task.
        tasks: Names of the outputs to return.
        batch_sizes: The sizes that the graph may be called with, ascending.
    """

    def __init__(
        self,
        graph: Callable[[dict[str, Any]], dict[str, Any]],
        tasks: Sequence[str],
        batch_sizes: Sequence[int] = BATCH_SIZES,
    ) -> None:
        self.graph = graph
        self.tasks = list(tasks)
        self.batch_sizes = tuple(batch_sizes)

    @classmethod
    def of_model(cls, model: keras.Model, tasks: Sequence[str]) -> Predictor:
        """Predicts the logits of a Keras model."""
        return cls(tf.function(lambda inputs: model(inputs, training=False)), tasks)

    def __call__(self, encoded: Encoded) -> Arrays:
        """Returns one float32 `[n]` for each task."""
        rows = pack(encoded)
        outputs: dict[str, list[np.ndarray]] = {task: [] for task in self.tasks}
        for batch, size in self._batches(rows):
            result = self.graph({name: tf.constant(matrix) for name, matrix in batch.items()})
            for task in self.tasks:
                outputs[task].append(np.reshape(result[task], -1)[:size])
        empty = np.zeros(0, np.float32)
        return {task: np.concatenate(parts) if parts else empty for task, parts in outputs.items()}

    def _batches(self, rows: Arrays) -> Iterator[tuple[Arrays, int]]:
        count = len(next(iter(rows.values())))
        largest = self.batch_sizes[-1]
        for start in range(0, count, largest):
            size = min(largest, count - start)
            padding = next(s for s in self.batch_sizes if s >= size) - size
            batch = {name: matrix[start : start + size] for name, matrix in rows.items()}
            if padding:
                batch = {name: np.pad(part, ((0, padding), (0, 0))) for name, part in batch.items()}
            yield batch, size
