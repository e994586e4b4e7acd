"""What a combination tells over the sum of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from ctrmoe.ranking.combinations.binomial_null import binomial_moments
from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.information import tail
from ctrmoe.ranking.permutation_null import Moments

_SWEEPS = 50
_TOLERANCE = 0.02
"""Of twice the log-likelihood, whose standard error is at least √2."""
_LONGEST_STEP = 3.0
_WELL_KNOWN = 10.0
"""Information on an effect, Σ N p (1 - p), from which its normal limit holds."""


def synergy(counts: JointCounts, members: Sequence[np.ndarray]) -> Estimate:
    """Returns the information in the places over that in the sum of effects of their members.

    The sum is the logistic regression logit p_v = w + Σ_m u_m(v) of largest likelihood; of the
    places v that were seen several times, k_v of N_v rows with label 1, the synergy is

        (Σ_v t_v - E₀ Σ_v t_v) / n,  t_v = k_v ln(k_v / (N_v p_v)) + the same for label 0,

    with the expectation over k_v ~ Binomial(N_v, p_v). It is 0 where the parts act on the odds of a
    click one by one, however strongly, and where one part is a copy of another. The rates were
    fitted to the same rows: half the leverage of each place is taken off its expectation, but only
    what is due to well-known effects (of an information of ten), and less for places of few rows,
    whose moments at the fitted rate are small already. With many rare values the p-value is on
    the safe side, and the synergy low.

    Args:
        counts: Rows by place.
        members: The category of each part at each place.

    Reference:
        Bishop, Fienberg, Holland, 1975, "Discrete multivariate analysis", section 3.5: the model
        without interaction of the parts with the label; Williams, 1976, for the null.
    """
    every = additive_rates(counts, members)
    several = counts.sizes > 1
    rates, sizes = every[several], counts.sizes[several]
    clicks, rows = counts.positives[several], int(counts.sizes.sum())
    if not len(sizes):
        return CHANCE
    fitted = np.minimum(_leverage(counts.sizes, every, members)[several], 1)
    means, variances = binomial_moments(sizes, rates)
    null = Moments(
        float((means - fitted / 2 * (1 - 1 / sizes)).sum()), float((variances * (1 - fitted)).sum())
    )
    first = second = 0.0
    for count, chance in ((clicks, rates), (sizes - clicks, 1 - rates)):
        surprise = np.log(np.maximum(count, 1) / (sizes * chance))
        first += float((count * surprise).sum())
        second += float((count * np.square(surprise)).sum())
    std = np.sqrt(max(second / rows - (first / rows) ** 2, 0) / rows + null.variance / rows**2)
    p_value = tail(first, null) if null.mean > 0 else 1.0
    return Estimate((first - null.mean) / rows, float(std), p_value)


def _leverage(sizes: np.ndarray, rates: np.ndarray, members: Sequence[np.ndarray]) -> np.ndarray:
    """Returns how much of each place's fit is due to its own rows, at most."""
    weights = sizes * rates * (1 - rates)
    result = np.full(len(weights), (1 - len(members)) / max(weights.sum(), 1e-12))
    for member in members:
        total = np.bincount(member, weights)
        result += np.where(total >= _WELL_KNOWN, 1 / np.maximum(total, _WELL_KNOWN), 0)[member]
    return weights * np.maximum(result, 0)


def additive_rates(counts: JointCounts, members: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the rate of label 1 at each place by the regression on its members.

    Newton steps for one member after the other, from the rates of each alone.
    """
    sizes, clicks = counts.sizes.astype(float), counts.positives.astype(float)
    base = float(logit(clicks.sum() / sizes.sum()))
    of_member = [np.bincount(member, clicks) for member in members]
    logits = np.full(len(sizes), base)
    for member, total in zip(members, of_member, strict=True):
        rates = (total + expit(base)) / (np.bincount(member, sizes) + 1)
        logits += (logit(rates) - base)[member]
    for _ in range(_SWEEPS):
        gained = 0.0
        for member, total in zip(members, of_member, strict=True):
            rates = expit(logits)
            expected = sizes * rates
            short = total - np.bincount(member, expected)
            width = np.bincount(member, expected * (1 - rates))
            step = np.clip(short / np.maximum(width, 1e-9), -_LONGEST_STEP, _LONGEST_STEP)
            gained += float((step * short).sum())
            logits += step[member]
        if gained < _TOLERANCE:
            break
    return np.clip(expit(logits), 1e-12, 1 - 1e-12)
