"""Tasks that run together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ctrmoe.serving.server.signature import Arrays
from ctrmoe.serving.server.task import Task


@dataclass(frozen=True, slots=True)
class Batch:
    """What ran together, for those who watch.

    Args:
        tasks: Whose rows it held.
        padding: Rows added to reach a size that is compiled.
        started: When it began to run, on the monotonic clock.
        seconds: How long it ran.
        inputs: Its rows.
        outputs: Its answers.
    """

    tasks: list[Task]
    padding: int
    started: float
    seconds: float
    inputs: Arrays
    outputs: Arrays

    @classmethod
    def run(cls, tasks: list[Task]) -> Batch:
        """Runs tasks of one kind together."""
        first = tasks[0]
        inputs = first.inputs
        if len(tasks) > 1:
            inputs = {
                name: np.concatenate([task.inputs[name] for task in tasks]) for name in inputs
            }
        rows = sum(task.rows for task in tasks)
        buckets = first.servable.batch_buckets if first.signature.row_inputs and rows else ()
        padding = next((size for size in buckets if size >= rows), rows) - rows
        if padding:
            by_row = first.signature.by_row(inputs)
            inputs = {n: _padded(a, padding) if n in by_row else a for n, a in inputs.items()}
        start = time.monotonic()
        outputs = first.servable.run(first.signature, inputs, first.outputs)
        return cls(tasks, padding, start, time.monotonic() - start, inputs, outputs)

    def answers(self) -> Iterator[Arrays]:
        """Yields the rows of each task."""
        if len(self.tasks) == 1 and not self.padding:
            yield self.outputs  # whole, whatever its dimensions are
            return
        start = 0
        for task in self.tasks:
            stop = start + task.rows
            yield {name: array[start:stop] for name, array in self.outputs.items()}
            start = stop


def _padded(array: np.ndarray, padding: int) -> np.ndarray:
    return np.concatenate([array, np.repeat(array[:1], padding, axis=0)])
