"""Adjusts: change the scores of experts before some are selected."""

from typing import Any

from ctrmoe.layers.routing.adjusts.domain_mask import DomainMask
from ctrmoe.layers.routing.adjusts.load_bias import LoadBias
from ctrmoe.layers.routing.adjusts.noise import Noise

ADJUSTS: dict[str, type[Any]] = {
    "domain_mask": DomainMask,
    "load_bias": LoadBias,
    "noise": Noise,
}
