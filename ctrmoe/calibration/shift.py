"""The shift of logits that makes the mean probability the observed rate."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from ctrmoe.calibration.logit_map import Floats, Positives


def shift(logits: Floats, positives: Positives) -> float:
    """Returns the b of `Σ σ(z + b) = Σ y`.

    Args:
        logits: Finite, `[B]`.
        positives: Whether the label is 1, `[B]`; rows of both classes.
    """
    rate = positives.mean()
    # All probabilities are at most the rate at the lower end, at least the rate at the upper.
    lower, upper = logit(rate) - logits.max(), logit(rate) - logits.min()
    return float(brentq(lambda b: np.mean(expit(logits + b)) - rate, lower - 1, upper + 1))
