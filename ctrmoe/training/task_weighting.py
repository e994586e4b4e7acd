"""What trainings whose task weights move along share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from ctrmoe.losses import LogisticLoss


class TaskWeighting(keras.Model):
    """Base of what is called `fit` on, around a model of logits, to weigh its tasks anew each step.

    It shares the weights of the model, which is saved and exported by itself. With `w_i` the sample
    weights and `l_i` the logistic losses of a task's rows in a batch of B,

        L_t = Σ_i w_i l_i / B,    m_t = Σ_i w_i / B

    Rows without a label have the weight 0. A child gives `task_weights` and `weighted`.

    Args:
        model: Takes packed matrices and returns a dict of logits, one `[B]` a task.
        priorities: The fixed weight λ_t of each task, which multiplies all that it adds to the
            loss, so that a weight that moves does not undo it.
    """

    def __init__(self, model: keras.Model, priorities: Mapping[str, float]) -> None:
        super().__init__(name=f"weighted_{model.name}")
        self.model = model
        self.tasks = list(priorities)
        self.priorities = ops.convert_to_tensor(list(priorities.values()), "float32")
        self.row_loss = LogisticLoss(reduction="none")
        self.task_means = [keras.metrics.Mean(f"{task}_loss") for task in self.tasks]
        self.built = True  # there is nothing that a first batch would have to shape

    @property
    @abstractmethod
    def task_weights(self) -> Any:
        """`[T]`, what each task's loss is multiplied by, its priority included."""

    @abstractmethod
    def weighted(self, losses: Any, shares: Any) -> Any:
        """Returns the scalar loss of all tasks.

        Args:
            losses: `[T]`, the L_t.
            shares: `[T]`, the m_t.
        """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.model(inputs, training=training)

    def task_losses(self, y: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any]:
        """Returns L_t and m_t of a batch, `[T]` each, and adds L_t to the figures of the epoch."""
        rows = [self.row_loss(y[task], y_pred[task]) for task in self.tasks]
        weights = [
            ops.ones_like(row)
            if sample_weight is None
            else ops.cast(sample_weight[task], "float32")
            for task, row in zip(self.tasks, rows, strict=True)
        ]
        losses = [ops.mean(w * row) for w, row in zip(weights, rows, strict=True)]
        for mean, loss in zip(self.task_means, losses, strict=True):
            mean.update_state(loss)
        return ops.stack(losses), ops.stack([ops.mean(weight) for weight in weights])

    def total(self, losses: Any, shares: Any) -> Any:
        """The loss that is trained: the tasks' and what layers add, this replica's share of it."""
        total = self.weighted(losses, shares) + sum(self.losses)
        return total / tf.distribute.get_strategy().num_replicas_in_sync

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return self.total(*self.task_losses(y, y_pred, sample_weight))

    def effective_weights(self) -> dict[str, float]:
        """What each task's loss is multiplied by at the moment."""
        return dict(zip(self.tasks, map(float, self.task_weights), strict=True))
