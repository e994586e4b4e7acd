"""Task weights by the uncertainty of each task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.training.task_weighting import TaskWeighting


class UncertaintyWeighting(TaskWeighting):
    """Learns a noise level for each task, which divides its loss.

    With a trainable `s_t = log σ_t²` for each task, from 0 on,

        L = Σ_t λ_t (exp(−s_t) L_t + m_t s_t / 2)

    so that `exp(−s_t)` goes towards `1 / (2 L_t)` where every row has a label: each task comes to
    weigh λ_t / 2 whatever the scale of its loss. `m_t` is 1 there; otherwise it counts `s_t`
    for the rows that have a label only, as the likelihood does, and a batch without any leaves
    `s_t` alone. The optimizer that trains the dense layers trains `s`, with its learning rate.

    Args:
        model: As in `TaskWeighting`.
        priorities: The λ_t.

    Reference:
        Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
        Geometry and Semantics, 2018, arXiv:1705.07115, the term of a classification,
        `L / σ² + log σ`, with the log variance trained as the paper advises. λ_t and m_t are not
        in the paper.
    """

    def __init__(self, model: keras.Model, priorities: Mapping[str, float]) -> None:
        super().__init__(model, priorities)
        self.log_variances = self.add_weight(
            shape=(len(self.tasks),), initializer="zeros", name="log_variances"
        )

    @property
    def task_weights(self) -> Any:
        return self.priorities * ops.exp(-self.log_variances)

    def weighted(self, losses: Any, shares: Any) -> Any:
        noise = self.priorities * shares * self.log_variances / 2
        return ops.sum(self.task_weights * losses + noise)
