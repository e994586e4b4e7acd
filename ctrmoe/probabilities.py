"""From logits to the probabilities that are served, as a TensorFlow graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from ctrmoe.calibration import LogitMap
from ctrmoe.run import Run


class Probabilities:
    """Undoes down-sampling and class weights, then calibrates where the run is calibrated.

    Args:
        run: A finished run.
    """

    def __init__(self, run: Run) -> None:
        self._tasks = run.tasks
        self._shift = run.logit_shift
        calibration, names = run.calibration, run.encoder.domain_names
        self._maps = {
            task: calibration.of_task(task, names) for task in run.tasks if calibration is not None
        }

    def __call__(
        self, logits: Mapping[str, tf.Tensor], domain: tf.Tensor | None
    ) -> dict[str, tf.Tensor]:
        """Returns the probabilities `[B]` of each task.

        Args:
            logits: Of the model by task, `[B]`.
            domain: Ids `[B]` or `[B, 1]`; only read where a domain has a map of its own.
        """
        return {
            task: tf.sigmoid(self._calibrated(task, logits[task] + self._shift, domain))
            for task in self._tasks
        }

    def _calibrated(self, task: str, logits: tf.Tensor, domain: tf.Tensor | None) -> tf.Tensor:
        if task not in self._maps:
            return logits
        maps, serving = self._maps[task]
        if len(maps) == 1:
            return _mapped(maps, logits, tf.zeros(tf.shape(logits), tf.int32))
        ids = tf.reshape(domain, (-1,))
        known = (ids >= 0) & (ids < len(serving))
        which = tf.gather(serving.astype(np.int32), tf.where(known, ids, 0))
        # The candidates of a request may have one domain between them.
        return _mapped(maps, logits, tf.broadcast_to(which, tf.shape(logits)))


def _mapped(maps: Sequence[LogitMap], logits: tf.Tensor, which: tf.Tensor) -> tf.Tensor:
    """What each row's map makes of its logit, as `LogitMap` does."""
    points = max(len(each.x) for each in maps)
    # No logit lies after a point at infinity, nor are the pieces after it ever read.
    x = np.stack([_filled(np.array(each.x), points, np.inf) for each in maps])
    pieces = [[_filled(column, points + 1, 0.0) for column in each.pieces()] for each in maps]
    starts, heights, slopes = np.stack(pieces, axis=1).reshape(3, -1).astype(np.float32)
    if len(maps) == 1:
        piece = tf.searchsorted(x[0].astype(np.float32), logits, side="right")
    else:
        of_rows = tf.gather(x.astype(np.float32), which)
        piece = tf.searchsorted(of_rows, logits[:, None], side="right")[:, 0]
    place = which * (points + 1) + piece
    rise = tf.gather(slopes, place) * (logits - tf.gather(starts, place))
    return tf.gather(heights, place) + rise


def _filled(column: np.ndarray, size: int, value: float) -> np.ndarray:
    return np.pad(column, (0, size - len(column)), constant_values=value)
