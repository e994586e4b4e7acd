"""Entropy and mutual information of counted or weighted events, in bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def entropy(weights: ArrayLike) -> float:
    """Computes `H = −Σ p log₂ p` of weights divided by their sum; 0 without any weight.

    Args:
        weights: Not negative, of any shape.
    """
    flat = np.asarray(weights, np.float64).ravel()
    flat = flat[flat > 0]
    shares = flat / flat.sum()
    return float(-(shares * np.log2(shares)).sum())


def mutual_information(joint: ArrayLike) -> float:
    """Computes `I(X; Y) = H(X) + H(Y) − H(X, Y)`.

    Of n independent events it is not 0 but about `(|X| − 1) (|Y| − 1) / (2 n ln 2)`.

    Args:
        joint: How often, or with which weight, each pair was seen, `[X, Y]`.

    Reference:
        Shannon, A Mathematical Theory of Communication, 1948, section 12; the expectation without
        any dependence: Miller, Note on the bias of information estimates, 1955.
    """
    table = np.asarray(joint, np.float64)
    own = entropy(table.sum(axis=1)) + entropy(table.sum(axis=0))
    return max(own - entropy(table), 0.0)
