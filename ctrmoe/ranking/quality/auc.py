"""The area under the ROC curve of a single feature, from its counts by value and label."""

from __future__ import annotations

import numpy as np

from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.label_counts import FOLDS, mask_name

PRIOR_ROWS = 10.0
GROUPS = 64


def ordered_auc(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Returns the AUC of values in ascending order; a tie counts half; None without both classes.

    Args:
        positives: Rows of label 1 by value.
        negatives: Rows of label 0 by value.
    """
    pairs = float(positives.sum()) * float(negatives.sum())
    if not pairs:
        return None
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2.0)).sum() / pairs)


def encoded_auc(positives: np.ndarray, negatives: np.ndarray) -> float | None:
    """Returns the AUC of values ordered by their rate of positives in the other half of the rows.

    A value that only one half has is ordered by the rate of the whole, so that a unique id gets
    0.5 and not 1. The rate is smoothed by ten rows of the whole's.

    Args:
        positives: Rows of label 1 by fold and value.
        negatives: Rows of label 0 by fold and value.
    """
    results = []
    for fold in FOLDS:
        hits, misses = positives[1 - fold], negatives[1 - fold]
        rate = hits.sum() / max(hits.sum() + misses.sum(), 1)
        scores = (hits + PRIOR_ROWS * rate) / (hits + misses + PRIOR_ROWS)
        _, place = np.unique(scores, return_inverse=True)
        area = ordered_auc(np.bincount(place, positives[fold]), np.bincount(place, negatives[fold]))
        if area is not None:
            results.append(area)
    return sum(results) / len(results) if results else None


def feature_auc(column: ColumnProfile, task: str) -> float | None:
    """Returns the higher AUC of a feature for a task: encoded, or of its numbers up or down.

    Numbers are encoded in 64 groups of equally many rows. Missing values are a value of their own;
    they are left out where numbers are ordered.
    """
    table = column.counts.table()
    names = [mask_name(task, label, fold) for label in (1, 0) for fold in FOLDS]
    if not table.height or names[0] not in table.columns:
        return None
    counts = table.select(names).to_numpy().T.astype(float)
    areas = []
    if column.column.kind == "number":
        area = ordered_auc(counts[:2].sum(axis=0), counts[2:].sum(axis=0))
        areas = [] if area is None else [area, 1.0 - area]
        counts = _in_groups(counts)
    missing = [[column.missing_counts.get(name, 0)] for name in names]
    counts = np.concatenate([counts, missing], axis=1)
    areas.append(encoded_auc(counts[:2], counts[2:]) or 0.0)
    return max(areas)


def _in_groups(counts: np.ndarray) -> np.ndarray:
    below = np.cumsum(counts.sum(axis=0)) - counts.sum(axis=0)
    group = np.floor(below * GROUPS / max(below[-1] + 1, 1)).astype(int)
    return np.stack([np.bincount(group, row, GROUPS) for row in counts])
