"""AUC inside groups, averaged by impressions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ctrmoe.metrics._inputs import Scores, as_pair, check_lengths
from ctrmoe.metrics._values import as_series

_GROUP_BITS = 31


class GAUC(NamedTuple):
    """What `gauc` found.

    Args:
        value: The weighted mean, or None where no group has both classes.
        num_used: Groups with both classes.
        num_ignored: Groups with one class only.
    """

    value: float | None
    num_used: int
    num_ignored: int


def gauc(labels: ArrayLike, scores: ArrayLike, groups: Any) -> GAUC:
    """Computes the impression-weighted mean of the AUC of each group.

    `GAUC = Σ_g rows_g · AUC_g / Σ_g rows_g` over the groups that hold both classes; a group with
    one class has no AUC and is ignored and counted. Rows without a group (null or NaN) belong to
    no group and are left out: all anonymous visitors are not one user.

    Args:
        labels: 0 or 1, `[B]`.
        scores: Logits or any other score, `[B]`.
        groups: Raw value of each row's group, such as a user id, `[B]`, of any type.

    Returns:
        The mean and the numbers of groups used and ignored.

    Raises:
        ValueError: If a label is not 0 or 1, a score is NaN or the lengths differ.

    Reference:
        Zhu et al., Optimized Cost per Click in Taobao Display Advertising, 2017,
        arXiv:1703.02091, who allow impressions or clicks as weights; these are impressions.
    """
    positive, values = as_pair(labels, scores)
    series = as_series(groups, "groups")
    check_lengths(labels=positive, groups=series)
    known = series.is_not_null().to_numpy()
    if not known.all():
        positive, values, series = positive[known], values[known], series.drop_nulls()
    if not positive.size:
        return GAUC(None, 0, 0)
    # Group, score and label fit one word each row: a single sort orders all three.
    words = _group_codes(series) << np.uint64(33) | _score_codes(values) << np.uint64(1) | positive
    return _from_sorted(np.sort(words))


def _from_sorted(words: NDArray[np.uint64]) -> GAUC:
    positive = (words & np.uint64(1)).astype(np.int64)
    ties, groups = _starts(words >> np.uint64(1)), _starts(words >> np.uint64(33))
    tie_positives, tie_negatives = _count(positive, ties)
    group_positives, group_negatives = _count(positive, groups)

    first_tie = np.searchsorted(ties, groups)
    below = np.cumsum(tie_negatives) - tie_negatives
    below -= np.repeat(below[first_tie], np.diff(first_tie, append=ties.size))
    wins = np.add.reduceat(tie_positives * (2 * below + tie_negatives), first_tie)

    used = (group_positives > 0) & (group_negatives > 0)
    num_used = int(used.sum())
    if not num_used:
        return GAUC(None, 0, groups.size)
    areas = wins[used] / (2 * group_positives * group_negatives)[used]
    weights = (group_positives + group_negatives)[used]
    # Summed without rounding: the codes of the groups, hence their order, differ between runs.
    total = math.fsum((areas * weights).tolist())
    return GAUC(total / int(weights.sum()), num_used, groups.size - num_used)


def _starts(keys: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Where each run of equal keys begins."""
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


def _count(
    positive: NDArray[np.int64], starts: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    positives = np.add.reduceat(positive, starts)
    return positives, np.diff(starts, append=positive.size) - positives


def _group_codes(series: pl.Series) -> NDArray[np.uint64]:
    """A number below 2**31 for each group; which one does not matter."""
    if isinstance(series.dtype, pl.Categorical):
        series = series.to_physical()
    if series.dtype.is_integer():
        low, high = int(series.min()), int(series.max())  # type: ignore[arg-type]
        if high - low < 1 << _GROUP_BITS and high < 1 << 63:
            return (series.cast(pl.Int64).to_numpy() - low).astype(np.uint64)
    return series.rank("dense").to_numpy().astype(np.uint64)


def _score_codes(scores: Scores) -> NDArray[np.uint64]:
    """Numbers below 2**32 in the order of the scores, equal for equal scores."""
    if scores.dtype != np.float32:
        return np.unique(scores, return_inverse=True)[1].astype(np.uint64)
    # Adding zero turns -0.0, which equals 0.0 but has other bits, into 0.0.
    bits = (scores + np.float32(0)).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return ordered.astype(np.uint64)
