"""Training runs with Keras's `fit`."""

from __future__ import annotations

from ctrmoe.training.compilation import compile_model
from ctrmoe.training.feed import training_feed
from ctrmoe.training.progress import TrainingProgress
from ctrmoe.training.trainer import train
from ctrmoe.training.validation import ValidationMetrics, validate

__all__ = [
    "TrainingProgress",
    "ValidationMetrics",
    "compile_model",
    "train",
    "training_feed",
    "validate",
]
