"""Adam on the rows that a batch reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ctrmoe.optimizers.sparse_rows import SparseRows


@keras.saving.register_keras_serializable(package="ctrmoe")
class LazyAdam(SparseRows, keras.optimizers.Adam):
    """Adam whose step on a table costs what the batch's distinct ids cost.

    With `g` the summed gradient of a row that the batch reads and `t` the number of the step,
    counted over all batches,

        momentum ← momentum + (1 − beta_1) · (g − momentum)
        velocity ← velocity + (1 − beta_2) · (g² − velocity)
        alpha = learning_rate · √(1 − beta_2ᵗ) / (1 − beta_1ᵗ)
        row ← row − alpha · momentum / (√velocity + epsilon)

    The rows that the batch does not read keep their value and both moments. Dense Adam lets
    those moments fade and still moves the rows by the fading momentum; that is all the two differ
    in. Where every row is read in every step they are equal, and dense gradients get
    `keras.optimizers.Adam` to the bit.

    Keras's own Adam squares every occurrence of an id by itself. An id that occurs eight times
    in a batch gets a second moment of 8 g² instead of 64 g², and a step 2.8 times too large.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable.
        beta_1: Decay of the first moment, in [0, 1).
        beta_2: Decay of the second moment, in [0, 1).
        epsilon: Added to the root of the second moment; "epsilon hat" of the paper.
        amsgrad: Whether to divide by the largest second moment so far.
        **options: As in `SparseRows`.

    Reference:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), arXiv:1412.6980,
        Algorithm 1 in the order of computation at the end of Section 2. Lazy rows are ours.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            amsgrad=amsgrad,
            **options,
        )

    @property
    def slots(self) -> Sequence[Sequence[Any]]:
        moments = (self._momentums, self._velocities)
        return (*moments, self._velocity_hats) if self.amsgrad else moments

    def update_rows(self, gradient: Any, learning_rate: Any, rows: Any, *slots: Any) -> Any:
        momentum, velocity, *largest = slots
        momentum += (gradient - momentum) * (1 - self.beta_1)
        velocity += (tf.square(gradient) - velocity) * (1 - self.beta_2)
        divisor = velocity
        if self.amsgrad:
            divisor = tf.maximum(largest[0], velocity)
            largest = [divisor]
        step = tf.cast(self.iterations + 1, gradient.dtype)
        beta_1_power = tf.pow(tf.cast(self.beta_1, gradient.dtype), step)
        beta_2_power = tf.pow(tf.cast(self.beta_2, gradient.dtype), step)
        alpha = learning_rate * tf.sqrt(1 - beta_2_power) / (1 - beta_1_power)
        rows -= momentum * alpha / (tf.sqrt(divisor) + self.epsilon)
        return rows, momentum, velocity, *largest
