"""OutRank's own correction of mutual information, which depends on the order of the rows."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from ctrmoe.ranking.estimate import UNDEFINED, Estimate, one_sided


class ShiftNull:
    """Mutual information less that with shifted labels: a value a mini-batch, and their median.

    Its standard error is that of the median of normal values, 1.2533 s / √batches, the p-value
    that of the median against 0; neither is known with a single mini-batch.

    Reference:
        Škrlj, Mramor, 2023, "OutRank: speeding up AutoML-based model search for large
        sparse data sets with cardinality-aware feature ranking" (arXiv 2309.01552) and version
        0.97.5 of the program, heuristic `MI-numba-randomized`. Its command passes feature and
        label to its estimator in the wrong order, and so shifts the feature by the counts of the
        labels; here as in the estimator. It drops a last mini-batch of 1,024 rows and fewer; here
        no row is dropped.
    """

    def __init__(self) -> None:
        self._scores: list[float] = []

    def add(self, keys: np.ndarray, labels: np.ndarray) -> None:
        """Scores a mini-batch of rows in their order; rows without a label are left out."""
        labelled = labels >= 0
        if labelled.any():
            codes = np.unique(keys[labelled], return_inverse=True)[1]
            self._scores.append(shifted_information(codes, labels[labelled]))

    def estimate(self) -> Estimate:
        """Returns the median over the mini-batches."""
        if not self._scores:
            return UNDEFINED
        median = float(np.median(self._scores))
        if len(self._scores) == 1:
            return UNDEFINED._replace(value=median)
        std = 1.2533 * float(np.std(self._scores, ddof=1)) / len(self._scores) ** 0.5
        return Estimate(median, std, one_sided(median / std) if std > 0 else float(median <= 0))


def shifted_information(codes: np.ndarray, labels: np.ndarray) -> float:
    """Returns h' - h in nats of codes and labels in the order of their rows.

    h = -Σ_{v: N_v > 1} (N_v / n) Σ_c p(c | v) ln p(c | v), and h' is the same with the label of
    row i + N_(X_i) mod n in the place of that of row i. Where codes and labels have the same sum
    (OutRank takes them for the same column then) h' is the entropy of the labels.

    Args:
        codes: 0, 1, … by row.
        labels: 0 or 1 by row.
    """
    labels = labels.astype(np.int64)
    rows, sizes = len(codes), np.bincount(codes)
    h = _conditional_entropy(codes, labels, sizes)
    if codes.sum() == labels.sum():
        shares = np.bincount(labels) / rows
        return float(-xlogy(shares, shares).sum()) - h
    shifted = labels[(np.arange(rows) + sizes[codes]) % rows]
    return _conditional_entropy(codes, shifted, sizes) - h


def _conditional_entropy(codes: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> float:
    positives = np.bincount(codes, weights=labels, minlength=len(sizes))
    several = sizes > 1
    size, k = sizes[several], positives[several]
    p = k / size
    return float(-(size * (xlogy(p, p) + xlogy(1 - p, 1 - p))).sum() / len(codes))
