"""Maps from a model's logits to those of calibrated probabilities."""

from collections.abc import Callable, Mapping

from ctrmoe.calibration.calibration import Calibration
from ctrmoe.calibration.isotonic import isotonic
from ctrmoe.calibration.logit_map import Floats, LogitMap, Positives
from ctrmoe.calibration.platt import platt

METHODS: Mapping[str, Callable[[Floats, Positives], LogitMap]] = {
    "isotonic": isotonic,
    "platt": platt,
}

__all__ = ["METHODS", "Calibration", "LogitMap", "isotonic", "platt"]
