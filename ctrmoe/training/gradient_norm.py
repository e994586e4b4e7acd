"""Task weights that balance the gradients of what tasks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from ctrmoe.training.shared_tensors import shared_tensors
from ctrmoe.training.task_weighting import TaskWeighting

RATE = 0.025
"""Relative step of a weight whose gradient has the mean norm."""


class GradientNormWeighting(TaskWeighting):
    """Moves the task weights until all tasks train what they share at similar rates.

    With H what the tasks share, `w_t` the weights, 1 at first, and L_t and m_t of a batch,

        G_t = w_t ‖∇_H L_t‖,    Ḡ = mean_t G_t
        r_t = l_t / mean_t l_t,    l_t = (L_t / m_t) / (L_t / m_t in the first batch)
        loss = Σ_t λ_t w_t L_t

    and after each step, the targets `Ḡ r_t^α` taken as constants,

        log w_t ← log w_t − η sign(G_t − Ḡ r_t^α) G_t / Ḡ

    then all `w` are divided to sum to T. The change is that of gradient descent on the paper's
    `Σ_t |G_t − Ḡ r_t^α| / Ḡ` in log w: in w itself, as in the paper, a weight that has to
    become small passes 0, and the right learning rate depends on the scale of the losses. A task
    without a label in the batch keeps its weight and is left out of both means.

    H is the last activations that all tasks share (`shared_tensors`), where the paper takes the
    weights of the last shared layer. By the chain rule the norm of a gradient with respect to any
    shared weights is at most a factor, the same for all tasks, times that with respect to H. It
    exists for every model, also where the last shared layer is a whole interaction, and costs one
    more backward pass through the towers alone.

    Args:
        model: As in `TaskWeighting`; a functional model.
        priorities: The λ_t; they are not balanced.
        alpha: The α: how strongly tasks that train slower are preferred, at least 0.

    Raises:
        ValueError: If the tasks share nothing.

    Reference:
        Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask
        Networks, 2018, arXiv:1711.02257. That gradients with respect to shared activations bound
        the others is from Sener and Koltun, Multi-Task Learning as Multi-Objective Optimization,
        2018, arXiv:1810.04650.
    """

    def __init__(
        self, model: keras.Model, priorities: Mapping[str, float], alpha: float = 1.5
    ) -> None:
        super().__init__(model, priorities)
        self.alpha = alpha
        outputs = {"logits": model.output, "shared": shared_tensors(model)}
        self.probe = keras.Model(model.input, outputs)
        self.log_weights, self.first_losses = (
            self.add_weight(
                shape=(len(self.tasks),), initializer="zeros", trainable=False, name=name
            )
            for name in ("log_weights", "first_losses")
        )

    @property
    def balancing_weights(self) -> Any:
        """`[T]`, the w_t."""
        return len(self.tasks) * ops.softmax(self.log_weights)

    @property
    def task_weights(self) -> Any:
        return self.priorities * self.balancing_weights

    def weighted(self, losses: Any, shares: Any) -> Any:
        return ops.sum(self.task_weights * losses)

    def train_step(self, data: Any) -> Any:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape(persistent=True) as tape:
            outputs = self.probe(x, training=True)
            losses, shares = self.task_losses(y, outputs["logits"], sample_weight)
            each = tf.unstack(losses)
            loss = self.total(losses, shares)
            scaled = self.optimizer.scale_loss(loss)
        norms = [_norm(tape.gradient(one, outputs["shared"])) for one in each]
        variables = self.trainable_variables
        self.optimizer.apply_gradients(
            zip(tape.gradient(scaled, variables), variables, strict=True)
        )
        self.balance(losses, shares, ops.stack(norms))
        next(metric for metric in self.metrics if metric.name == "loss").update_state(loss)
        return self.compute_metrics(x, y, outputs["logits"], sample_weight)

    def balance(self, losses: Any, shares: Any, norms: Any) -> None:
        """Moves the weights.

        Args:
            losses: `[T]`, the L_t.
            shares: `[T]`, the m_t.
            norms: `[T]`, the ‖∇_H L_t‖.
        """
        labelled = shares > 0
        means = tf.math.divide_no_nan(losses, shares)
        self.first_losses.assign(ops.where(self.first_losses > 0, self.first_losses, means))
        progress = tf.math.divide_no_nan(means, self.first_losses)
        rates = tf.math.divide_no_nan(progress, _mean(progress, labelled))
        weighted = self.balancing_weights * norms
        mean = _mean(weighted, labelled)
        change = ops.sign(weighted - mean * rates**self.alpha) * weighted
        change = RATE * tf.math.divide_no_nan(change, mean)
        self.log_weights.assign(ops.log_softmax(self.log_weights - change))


def _norm(gradients: Any) -> Any:
    """Norm of the gradients of all shared tensors together."""
    return tf.linalg.global_norm([ops.cast(g, "float32") for g in gradients if g is not None])


def _mean(values: Any, labelled: Any) -> Any:
    """Mean over the tasks that have a label in the batch, 0 if none has."""
    labelled = ops.cast(labelled, values.dtype)
    return tf.math.divide_no_nan(ops.sum(values * labelled), ops.sum(labelled))
