"""How much worse permuted logits are than the model's own, with an interval over the rows."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95

Column = NDArray[np.float64]


class Change(NamedTuple):
    """A change and the limits of its 95 % interval, NaN where they are undefined."""

    value: float
    low: float
    high: float


def auc_drop(labels: NDArray[np.bool_], own: Column, permuted: Column) -> Change | None:
    """Computes the AUC of `own` less the mean AUC of `permuted`.

    The interval is DeLong's for the difference of AUCs of the same rows: of a positive, V is the
    share of negatives that it beats, of a negative the share of positives that beat it; d is V
    under `own` less the mean of V under `permuted`; the variance is `Var(d⁺)/P + Var(d⁻)/N`.

    Args:
        labels: `[n]`.
        own: Logits of the rows as they are, `[n]`.
        permuted: Logits of each repeat, `[repeats, n]`.

    Returns:
        The drop, or None where a class is missing.

    Reference:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988).
    """
    if labels.all() or not labels.any():
        return None
    lost = placements(labels, own)
    lost -= np.mean([placements(labels, logits) for logits in permuted], axis=0)
    positives, negatives = lost[labels], lost[~labels]
    variance = _variance_of_mean(positives) + _variance_of_mean(negatives)
    return _change(float(positives.mean()), variance)


def logloss_rise(labels: NDArray[np.bool_], own: Column, permuted: Column) -> Change | None:
    """Computes the mean log loss of `permuted` less that of `own`.

    The interval is normal over the rows, each of which gives its loss of `permuted`, the mean of
    the repeats, less its loss of `own`. Arguments as `auc_drop`; None without rows.
    """
    if not len(labels):
        return None
    sign = np.where(labels, -1.0, 1.0)
    rise = np.logaddexp(0, sign * permuted).mean(axis=0) - np.logaddexp(0, sign * own)
    return _change(float(rise.mean()), _variance_of_mean(rise))


def placements(labels: NDArray[np.bool_], logits: Column) -> Column:
    """Computes V of each row, ties counting one half; its mean over a class is the AUC."""
    positives, negatives = np.sort(logits[labels]), np.sort(logits[~labels])

    def below(others: Column, values: Column) -> Column:
        twice = np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")
        return twice / (2 * len(others))

    result = np.empty(len(labels))
    result[labels] = below(negatives, logits[labels])
    result[~labels] = 1 - below(positives, logits[~labels])
    return result


def _variance_of_mean(values: Column) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else float("nan")


def _change(value: float, variance: float) -> Change:
    width = NormalDist().inv_cdf(0.5 + LEVEL / 2) * variance**0.5
    return Change(value, value - width, value + width)
