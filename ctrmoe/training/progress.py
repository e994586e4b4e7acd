"""What a training shows on the console."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class TrainingProgress(keras.callbacks.Callback):
    """Shows a bar with the loss and the speed of an epoch, and a line with its figures.

    Args:
        console: Where the lines go; bars are shown on terminals only.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self._bar: Progress | None = None
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = time.perf_counter()
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps, loss {task.fields[loss]:.4f}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        steps = self.params.get("steps")
        self._task = self._bar.add_task("", total=steps, epoch=epoch + 1, loss=float("nan"))
        self._bar.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._bar and logs:
            self._bar.update(self._task, completed=batch + 1, loss=float(logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._bar:
            self._bar.stop()

    def on_validation_end(self, epoch: int, figures: dict[str, float]) -> None:
        """Prints the epoch's figures; `ctrmoe.training.train` calls it after validation."""
        seconds = time.perf_counter() - self._start
        # The tasks' own figures are in the history.
        shown = ("train_loss", "valid_auc", "valid_logloss")
        text = ", ".join(f"{name} {figures[name]:.4f}" for name in shown if name in figures)
        self.console.print(f"epoch {epoch + 1}: {seconds:.1f} s, {text}", highlight=False)
