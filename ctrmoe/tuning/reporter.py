"""Tells a trial its validation figure after every epoch."""

from __future__ import annotations

from pathlib import Path

import keras
import optuna
import polars as pl

from ctrmoe.run import HISTORY


class TrialReporter(keras.callbacks.Callback):
    """Reports a training's epochs to its trial and stops it where the trial is to be pruned.

    The figures are read from the run's history, which also holds the epochs before an
    interruption.

    Args:
        trial: The trial.
        folder: Its run folder.
        figure: The column of the history, such as `valid_auc`.
    """

    def __init__(self, trial: optuna.Trial, folder: Path, figure: str) -> None:
        super().__init__()
        self.trial = trial
        self.folder = folder
        self.figure = figure
        self._reported = 0

    def on_validation_end(self, epoch: int, figures: dict[str, float]) -> None:
        """Reports the epoch; `ctrmoe.training.train` calls it after validation.

        Raises:
            optuna.TrialPruned: If the trial is not worth going on with.
        """
        self.catch_up()
        if self.trial.should_prune():
            raise optuna.TrialPruned(f"behind the median after epoch {epoch + 1}")

    def catch_up(self) -> None:
        """Reports the epochs of the history that have not been reported yet."""
        values = self.history()[self.figure].to_list()
        for epoch, value in enumerate(values[self._reported :], self._reported):
            self.trial.report(value, epoch)
        self._reported = len(values)

    def history(self) -> pl.DataFrame:
        """Returns the figures of the finished epochs; no row before the first."""
        path = self.folder / HISTORY
        if not path.is_file():
            return pl.DataFrame(schema={"seconds": pl.Float64, self.figure: pl.Float64})
        return pl.read_csv(path)
