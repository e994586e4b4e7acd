"""Adagrad on the rows that a batch reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ctrmoe.optimizers.sparse_rows import SparseRows


@keras.saving.register_keras_serializable(package="ctrmoe")
class SparseAdagrad(SparseRows, keras.optimizers.Adagrad):
    """Adagrad whose step on a table costs what the batch's distinct ids cost.

    With `g` the summed gradient of a row,

        accumulator ← accumulator + g²
        row ← row − learning_rate · g / √(accumulator + epsilon)

    which is `keras.optimizers.Adagrad`, to the bit for dense gradients. A zero gradient changes
    nothing in Adagrad, so the rows left out are not an approximation: the whole table is
    that of the dense optimizer on the summed gradient.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable.
        initial_accumulator_value: Start of every accumulator, at least 0.
        epsilon: Keeps the root away from 0.
        **options: As in `SparseRows`.

    Reference:
        Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
        Optimization", JMLR 12 (2011), Figure 1 with the diagonal proximal function. `epsilon` is
        added under the root, as Keras does.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=epsilon,
            **options,
        )

    @property
    def slots(self) -> Sequence[Sequence[Any]]:
        return (self._accumulators,)

    def update_rows(self, gradient: Any, learning_rate: Any, rows: Any, *slots: Any) -> Any:
        (accumulator,) = slots
        accumulator += tf.square(gradient)
        rows -= learning_rate * gradient / tf.sqrt(accumulator + self.epsilon)
        return rows, accumulator
