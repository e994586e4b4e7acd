"""A table of eight bits a number."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

LEVELS = 127
SCALE_BYTES = 4


class QuantizedTable(tf.Module):
    """Rows of int8, each with a float32 scale of its own: `row = scale · values`.

    The scale is that of the row's largest number, so that no number of a row is off by more than
    half a step, a 254th of the largest.

    Args:
        matrix: The rows, `[V, dim]`.
        path: The variables' names begin with it.
    """

    def __init__(self, matrix: np.ndarray, path: str = "table") -> None:
        super().__init__()
        scales = (np.abs(matrix).max(axis=1) / LEVELS).astype(np.float32)
        # A row of zeros has scale 0, and any divisor gives its zeros back.
        steps = np.where(scales > 0, scales, 1)[:, None]
        values = np.clip(np.rint(matrix / steps), -LEVELS, LEVELS).astype(np.int8)
        self.values = tf.Variable(values, trainable=False, name=f"{path}_values")
        self.scales = tf.Variable(scales, trainable=False, name=f"{path}_scales")

    @property
    def variables(self) -> tuple[tf.Variable, tf.Variable]:
        """What is stored."""
        return self.values, self.scales

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns the rows of these numbers, `[..., dim]` float32."""
        values = tf.nn.embedding_lookup(self.values, rows)
        scales = tf.nn.embedding_lookup(self.scales, rows)
        return tf.cast(values, tf.float32) * scales[..., None]

    def matrix(self) -> np.ndarray:
        """Returns all rows as they are read, `[V, dim]` float32."""
        return self.values.numpy().astype(np.float32) * self.scales.numpy()[:, None]


def shrinks(dim: int) -> bool:
    """Returns whether a row of this width takes less room with a scale than as float32."""
    return dim + SCALE_BYTES < 4 * dim
