"""Classifiers: layers from the tokens of a row to one vector, `[B, N, D] → [B, U]`."""

from typing import Any

from ctrmoe.layers.classifiers.deepfm import DeepFM
from ctrmoe.layers.classifiers.ipnn import IPNN
from ctrmoe.layers.classifiers.mlp import MLPClassifier

CLASSIFIERS: dict[str, type[Any]] = {
    "deepfm": DeepFM,
    "ipnn": IPNN,
    "mlp": MLPClassifier,
}
