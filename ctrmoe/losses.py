"""Losses of binary tasks."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="ctrmoe")
class LogisticLoss(keras.losses.Loss):
    """Binary cross-entropy of logits, one value a row.

        max(z, 0) - z·y + log(1 + exp(-|z|))

    `keras.losses.BinaryCrossentropy` takes the mean over the last axis before it multiplies by
    the sample weights; for logits `[B]` that axis is the batch, so weights would only scale the
    loss as a whole.

    Input shape:
        Labels and logits `[B]`.

    Output shape:
        `[B]` before the reduction.
    """

    def __init__(self, name: str = "logistic_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.binary_crossentropy(y_true, y_pred, from_logits=True)
