"""Trains a run with Keras's `fit`, one epoch at a time, so that it can resume at any step."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import polars as pl
import tensorflow as tf

from ctrmoe.config import Config, ConfigError
from ctrmoe.files import write_text
from ctrmoe.prediction import Predictor, reads_domain
from ctrmoe.run import CONFIG, HISTORY, METRICS, MODEL, Run
from ctrmoe.schema import SchemaError
from ctrmoe.training import checkpoint
from ctrmoe.training.compilation import compile_model
from ctrmoe.training.feed import training_feed
from ctrmoe.training.opening import open_run
from ctrmoe.training.pretrained import assign_pretrained
from ctrmoe.training.routing_monitor import RoutingMonitor
from ctrmoe.training.step_checkpoints import StepCheckpoints
from ctrmoe.training.task_weighting import TaskWeighting
from ctrmoe.training.validation import validate
from ctrmoe.training.warm_start import warm_start

BEST = "best.npz"


def train(
    config: Config,
    out: str | Path,
    *,
    resume: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> Run:
    """Trains the model of a config and writes a run folder.

    Args:
        config: The run; `data.prepared` names the prepared folder.
        out: The run folder to write.
        resume: Goes on from the last checkpoint of an interrupted training of the same config;
            the result equals that of an uninterrupted one.
        callbacks: More callbacks for every `fit`.

    Raises:
        ConfigError: If `out` holds a run already, or one of another config or other data.
        SchemaError: If the prepared data does not suffice.
    """
    existed, started = Path(out).exists(), (Path(out) / CONFIG).is_file()
    run = open_run(config, Path(out), resume)
    if run.finished:
        return run
    try:
        return _Training(run, list(callbacks)).run_to_the_end()
    except (ConfigError, SchemaError):
        # The corrected config must find no run in its way.
        if not checkpoint.find(run.folder):
            if not existed:
                shutil.rmtree(run.folder)
            elif not started:
                (run.folder / CONFIG).unlink()
        raise


class _Training:
    """The state of one training between its epochs."""

    def __init__(self, run: Run, callbacks: list[keras.callbacks.Callback]) -> None:
        self.run = run
        self.config = run.config
        self.callbacks = callbacks
        self.folder = run.folder
        prepared = Path(self.config.data.prepared)
        self.valid = prepared / "valid"
        if self.config.train.deterministic:
            tf.config.experimental.enable_op_determinism()
        self.strategy = _strategy(self.config.train.strategy)
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            self.model = run.build_model()
            _check_batch_size(self.model, self.config.train.batch_size)
            self.feed = training_feed(
                self.config, prepared, run.schema, reads_domain=reads_domain(self.model)
            )
            if not checkpoint.find(self.folder):
                assign_pretrained(run, self.model)
                if self.config.train.warm_start:
                    warm_start(run, self.model, Run(self.config.train.warm_start))
            steps = self.feed.steps_per_epoch * self.config.train.epochs
            # What `fit` is called on: the model, or what weighs its tasks around it.
            self.fitted = compile_model(self.model, self.config, run.schema, steps=steps)
            self.fitted.optimizer.build(self.fitted.trainable_variables)
        self.predictor = Predictor.of_model(self.model, run.tasks)
        part = self.valid if self.valid.is_dir() else prepared / "train"
        self.routing = RoutingMonitor(self.model, part, run.schema)

    @property
    def variables(self) -> list[Any]:
        """Everything that a step changes: weights, slots, counters, dropout's random state."""
        return [*self.fitted.variables, *self.fitted.optimizer.variables]

    def run_to_the_end(self) -> Run:
        train = self.config.train
        steps = self.feed.steps_per_epoch
        progress = checkpoint.restore(self.folder, self.variables)
        while progress.step < train.epochs * steps and not self._patience_is_over(progress):
            progress = self._epoch(progress)
        return self._finish(progress)

    def _epoch(self, progress: checkpoint.Progress) -> checkpoint.Progress:
        steps = self.feed.steps_per_epoch
        epoch, done = divmod(progress.step, steps)
        start = time.perf_counter() - progress.seconds
        saver = StepCheckpoints(
            progress,
            lambda reached: checkpoint.save(self.folder, reached, self.variables),
            every=self.config.train.checkpoint_steps,
            last=steps - done,
            start=start,
        )
        history = self.fitted.fit(
            self.feed.dataset(progress.step, steps - done),
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,  # the feed has shuffled already
            verbose=0,
            callbacks=[saver, *self.callbacks],
        )
        progress.step += steps - done
        figures = {f"train_{name}": values[-1] for name, values in history.history.items()}
        self._check_finite(figures["train_loss"], epoch)
        if isinstance(self.fitted, TaskWeighting):
            weights = self.fitted.effective_weights()
            figures |= {f"weight_{task}": weight for task, weight in weights.items()}
        if self.valid.is_dir():
            figures |= validate(self.predictor, self.valid, self.run.schema)
        progress.seconds = time.perf_counter() - start
        self._note(progress, epoch, figures)
        checkpoint.save(self.folder, progress, self.variables)
        return progress

    def _note(self, progress: checkpoint.Progress, epoch: int, figures: dict[str, float]) -> None:
        """Adds the epoch to the history and keeps its weights where they are the best."""
        value = figures.get(f"valid_{self.config.train.monitor}")
        sign = 1 if self.config.train.monitor.endswith("auc") else -1
        # Without a validation part the last epoch counts as the best.
        if value is None or progress.best is None or sign * value > sign * progress.best:
            progress.best, progress.best_epoch = value, epoch
            checkpoint.save_variables(self.folder / BEST, self.model.variables)
        progress.history.append({"epoch": epoch + 1, "seconds": progress.seconds, **figures})
        pl.DataFrame(progress.history).write_csv(self.folder / HISTORY)
        with tf.summary.create_file_writer(str(self.folder / "logs")).as_default(step=epoch + 1):
            for name, figure in {**figures, **self.routing.scalars()}.items():
                tf.summary.scalar(name, figure)
        for callback in self.callbacks:
            if hasattr(callback, "on_validation_end"):
                callback.on_validation_end(epoch, figures)

    def _check_finite(self, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise ConfigError(
                f"The training loss must stay finite. Received: {loss} in epoch {epoch + 1}. Lower "
                "`train.learning_rate`, or add `global_clipnorm` to `train.optimizer`; numeric "
                f"features read without a transform: {self._untransformed() or 'none'}."
            )

    def _untransformed(self) -> str:
        values = self.run.schema.values
        return ", ".join(f.name for f in values if f.transform == "none")

    def _patience_is_over(self, progress: checkpoint.Progress) -> bool:
        patience = self.config.train.patience
        return patience > 0 and len(progress.history) - 1 - progress.best_epoch >= patience

    def _finish(self, progress: checkpoint.Progress) -> Run:
        checkpoint.restore_variables(self.folder / BEST, self.model.variables)
        best = progress.history[progress.best_epoch]
        metrics = {
            "best_epoch": progress.best_epoch + 1,
            "epochs": len(progress.history),
            "steps": progress.step,
            "rows_per_epoch": self.feed.steps_per_epoch * self.feed.batch_size,
            "seconds": round(progress.seconds, 3),
            "parameters": self.model.count_params(),
            "best": best,
            "warnings": self.routing.warnings(),
        }
        write_text(self.folder / METRICS, json.dumps(metrics, indent=2))
        partial = self.folder / f"partial-{MODEL}"
        self.model.save(partial)
        os.replace(partial, self.folder / MODEL)
        (self.folder / BEST).unlink()
        checkpoint.clear(self.folder)
        return self.run


def _check_batch_size(model: keras.Model, batch_size: int) -> None:
    """Refuses batches that a layer can't start from."""
    for layer in model._flatten_layers():
        least = getattr(layer, "least_batch_size", 1)
        if batch_size < least:
            raise ConfigError(
                f"`train.batch_size` must be at least {least}, the number of clusters of the "
                f"router. Received: {batch_size}. Take larger batches or fewer experts."
            )


def _strategy(name: str) -> Any:
    return tf.distribute.MirroredStrategy() if name == "mirrored" else None
