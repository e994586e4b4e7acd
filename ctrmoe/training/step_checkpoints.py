"""Checkpoints within an epoch."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import keras

from ctrmoe.training.checkpoint import Progress


class StepCheckpoints(keras.callbacks.Callback):
    """Writes a checkpoint every so many steps of one call of `fit`.

    Args:
        progress: Where the training stands when `fit` begins.
        save: Writes a checkpoint.
        every: Steps between two; 0 writes none.
        last: Steps of this `fit`, after which another checkpoint is written anyway.
        start: The clock's reading when the training would have begun without interruptions.
    """

    def __init__(
        self,
        progress: Progress,
        save: Callable[[Progress], None],
        *,
        every: int,
        last: int,
        start: float,
    ) -> None:
        super().__init__()
        self.progress = progress
        self.save = save
        self.every = every
        self.last = last
        self.start = start
        self.done = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        steps = batch + 1
        if not self.every or steps - self.done < self.every or steps >= self.last:
            return
        self.done = steps
        seconds = time.perf_counter() - self.start
        reached = self.progress.step + steps
        self.save(dataclasses.replace(self.progress, step=reached, seconds=seconds))
