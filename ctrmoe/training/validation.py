"""Exact figures of an encoded part while training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from ctrmoe.config import ConfigError
from ctrmoe.data.encoded import read_encoded
from ctrmoe.metrics import Evaluator
from ctrmoe.prediction import Predictor
from ctrmoe.schema import Schema

FIGURES = ("auc", "logloss")
"""What is measured on the validation part after every epoch."""


class ValidationMetrics(keras.callbacks.Callback):
    """Adds exact figures of the validation part to the logs of each epoch.

    Put it before callbacks that read them, such as `keras.callbacks.EarlyStopping("valid_auc")`.

    Args:
        part: The encoded validation part, such as `prepared/valid`.
        schema: The resolved schema beside it.
    """

    def __init__(self, part: str | Path, schema: Schema) -> None:
        super().__init__()
        self.part = part
        self.schema = schema
        self._predictor: Predictor | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._predictor is None:
            tasks = [task.name for task in self.schema.tasks]
            self._predictor = Predictor.of_model(self.model, tasks)
        if logs is not None:
            logs.update(validate(self._predictor, self.part, self.schema))


def check_monitor(monitor: str, schema: Schema) -> None:
    """Refuses what no validation gives.

    Raises:
        ConfigError: If `monitor` is no figure, of all tasks or of one.
    """
    tasks = ["", *(f"{task.name}_" for task in schema.tasks)]
    known = [f"{task}{figure}" for task in tasks for figure in FIGURES]
    if monitor not in known:
        raise ConfigError(
            f"`train.monitor` must be one of {', '.join(known)}. Received: {monitor!r}."
        )


def validate(predictor: Callable[[Any], Any], part: str | Path, schema: Schema) -> dict[str, float]:
    """Returns exact `valid_<task>_auc` and `_logloss`, and their means weighted by task."""
    evaluator = Evaluator([task.name for task in schema.tasks])
    for encoded, labels in read_encoded(part, schema):
        evaluator.update(labels, predictor(encoded))
    result = evaluator.result()["tasks"]
    figures, total = {}, sum(task.weight for task in schema.tasks)
    for name in FIGURES:
        for task in schema.tasks:
            figures[f"valid_{task.name}_{name}"] = result[task.name][name]
        figures[f"valid_{name}"] = (
            sum(task.weight * result[task.name][name] for task in schema.tasks) / total
        )
    return figures
