"""FTRL-proximal on the rows that a batch reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ctrmoe.optimizers.sparse_rows import SparseRows


@keras.saving.register_keras_serializable(package="ctrmoe")
class SparseFtrl(SparseRows, keras.optimizers.Ftrl):
    """FTRL-proximal whose step on a table costs what the batch's distinct ids cost.

    With `g` the summed gradient of a row, `p = −learning_rate_power` and
    `l2 = l2_regularization_strength + beta / (2 · learning_rate)`,

        accumulator' = accumulator + g²
        linear ← linear + g + 2 · l2_shrinkage_regularization_strength · row
                        − (accumulator'ᵖ − accumulatorᵖ) / learning_rate · row
        row ← (clip(linear, −l1, l1) − linear) / (accumulator'ᵖ / learning_rate + 2 · l2)
        accumulator ← accumulator'

    which is `keras.optimizers.Ftrl`, to the bit for dense gradients. With a constant learning rate
    and no shrinkage, a table that starts at 0 is that of the dense optimizer on the summed
    gradient. Otherwise the two differ in the rows that the batch does not read: here they keep
    their value, while the dense optimizer computes every row anew from `linear` in every step.

    FTRL forgets initial values: `linear` starts at 0, so that the first update of a weight puts it
    close to 0 whatever it was. It is made for linear weights that start at 0. Give the hidden
    layers of a network another optimizer, with `keras.optimizers.MultiOptimizer`.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable.
        learning_rate_power: At most 0; the step falls with `accumulator ** learning_rate_power`.
        initial_accumulator_value: Start of every accumulator, at least 0.
        l1_regularization_strength: At least 0; sets rows with a small `linear` to exactly 0.
        l2_regularization_strength: At least 0.
        l2_shrinkage_regularization_strength: At least 0; an L2 penalty on the loss.
        beta: The β of the paper.
        **options: As in `SparseRows`.

    Reference:
        McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, Algorithm 1.
        Keras's `accumulator` starts above 0 and its l2 is half the paper's λ₂.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            learning_rate_power=learning_rate_power,
            initial_accumulator_value=initial_accumulator_value,
            l1_regularization_strength=l1_regularization_strength,
            l2_regularization_strength=l2_regularization_strength,
            l2_shrinkage_regularization_strength=l2_shrinkage_regularization_strength,
            beta=beta,
            **options,
        )

    @property
    def slots(self) -> Sequence[Sequence[Any]]:
        return (self._accumulators, self._linears)

    def update_rows(self, gradient: Any, learning_rate: Any, rows: Any, *slots: Any) -> Any:
        accumulator, linear = slots
        l1 = self.l1_regularization_strength
        l2 = self.l2_regularization_strength + self.beta / (2.0 * learning_rate)
        new_accumulator = accumulator + tf.square(gradient)
        power = -self.learning_rate_power
        new_root = tf.pow(new_accumulator, power)
        linear += gradient - (new_root - tf.pow(accumulator, power)) / learning_rate * rows
        if self.l2_shrinkage_regularization_strength:
            linear += 2 * self.l2_shrinkage_regularization_strength * rows
        rows = (tf.clip_by_value(linear, -l1, l1) - linear) / (new_root / learning_rate + 2 * l2)
        return rows, new_accumulator, linear
