"""Gives a model of logits its losses, its task weights and its optimizer."""

from __future__ import annotations

import keras

from ctrmoe.config import Config, ConfigError, TrainConfig
from ctrmoe.layers.table_rows import TABLES
from ctrmoe.losses import LogisticLoss
from ctrmoe.optimizers import create_optimizer
from ctrmoe.schema import Schema
from ctrmoe.training.gradient_norm import GradientNormWeighting
from ctrmoe.training.schedule import learning_rate
from ctrmoe.training.task_weighting import TaskWeighting
from ctrmoe.training.uncertainty import UncertaintyWeighting


def compile_model(model: keras.Model, config: Config, schema: Schema, *, steps: int) -> keras.Model:
    """Compiles a model of logits with the config's optimizer and the tasks' weighted losses.

    Args:
        model: A model that returns one logit a task.
        config: Its `train` part is read.
        schema: The tasks.
        steps: Steps of the whole training, which a learning rate schedule runs over.

    Returns:
        What to call `fit` on: the model, or for a `train.task_weighting` that is not `fixed` a
        `TaskWeighting` around it.

    Raises:
        ConfigError: If the optimizer can't be built, or the tasks can't be weighted that way.
    """
    options = {
        "optimizer": _optimizer(config.train, steps),
        "steps_per_execution": config.train.steps_per_execution,
        # Compiling the whole step would make the tables' gradients dense.
        "jit_compile": False,
    }
    weighting = _weighting(model, config.train, schema)
    if weighting is not None:
        weighting.compile(**options)
        return weighting
    model.compile(
        loss={task.name: LogisticLoss() for task in schema.tasks},
        loss_weights={task.name: task.weight for task in schema.tasks},
        **options,
    )
    return model


def _weighting(model: keras.Model, config: TrainConfig, schema: Schema) -> TaskWeighting | None:
    check_task_weighting(config.task_weighting, len(schema.tasks))
    priorities = {task.name: task.weight for task in schema.tasks}
    if config.task_weighting == "uncertainty":
        return UncertaintyWeighting(model, priorities)
    if config.task_weighting == "gradient_norm":
        try:
            return GradientNormWeighting(model, priorities, config.gradient_norm_alpha)
        except ValueError as error:
            raise ConfigError(f"`train.task_weighting` can't be gradient_norm: {error}") from error
    return None


def check_task_weighting(task_weighting: str, num_tasks: int) -> None:
    """Refuses to balance one task.

    Raises:
        ConfigError: If a schema of one task is to be trained with weights that move.
    """
    if task_weighting != "fixed" and num_tasks < 2:
        raise ConfigError(
            "`train.task_weighting` must be fixed for a schema with one task. Received: "
            f"{task_weighting!r}."
        )


def _optimizer(config: TrainConfig, steps: int) -> keras.optimizers.Optimizer:
    defaults = {"kind": "lazy_adam", "learning_rate": learning_rate(config, steps)}
    try:
        tables = create_optimizer(**{**defaults, **config.optimizer})
        if not config.dense_optimizer:
            return tables
        rest = create_optimizer(**{**defaults, **config.dense_optimizer})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"[train.optimizer] can't be built: {error}") from error
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(rest, {TABLES: tables}))
