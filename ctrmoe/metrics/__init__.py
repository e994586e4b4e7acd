"""Exact figures of a binary prediction, over all rows, per task and per domain; and of routers.

Figures of a prediction take 0/1 labels and logits (rank figures take any score): after a float32
sigmoid distinct logits become equal probabilities, and those ties would move the AUC.
"""

from ctrmoe.metrics.auc import auc, auc_interval
from ctrmoe.metrics.calibration import expected_calibration_error, pcoc
from ctrmoe.metrics.cosines import cosines, mean_cosine
from ctrmoe.metrics.evaluator import Evaluator
from ctrmoe.metrics.gauc import GAUC, gauc
from ctrmoe.metrics.logloss import logloss, normalized_entropy
from ctrmoe.metrics.mutual_information import entropy, mutual_information
from ctrmoe.metrics.routing import RoutingFigures

__all__ = [
    "GAUC",
    "Evaluator",
    "RoutingFigures",
    "auc",
    "auc_interval",
    "cosines",
    "entropy",
    "expected_calibration_error",
    "gauc",
    "logloss",
    "mean_cosine",
    "mutual_information",
    "normalized_entropy",
    "pcoc",
]
