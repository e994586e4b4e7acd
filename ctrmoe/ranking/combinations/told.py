"""What counts tell about the label, beside what chance would."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.estimate import Estimate
from ctrmoe.ranking.information import corrected, mutual_information
from ctrmoe.ranking.permutation_null import Moments, permutation_moments


class Told(NamedTuple):
    """Mutual information with the label.

    Args:
        value: In nats, not corrected.
        std: Its standard error.
        null: Of n times the value, under shuffled labels.
        rows: n.
    """

    value: float
    std: float
    null: Moments
    rows: int

    @property
    def estimate(self) -> Estimate:
        """The corrected value, as `CorrectedMI` has it."""
        return corrected(self.value, self.std, self.null, self.rows)


def told(counts: JointCounts, classes: np.ndarray) -> Told:
    """Returns what places tell; those that were seen once are one, as in `CorrectedMI`.

    Args:
        counts: Rows by place.
        classes: Rows by label.
    """
    several = counts.sizes > 1
    sizes, positives = counts.sizes[several], counts.positives[several]
    once = len(counts) - len(sizes)
    if once:
        sizes = np.append(sizes, once)
        positives = np.append(positives, classes[1] - positives.sum())
    by_label = np.stack([sizes - positives, positives], axis=1)
    rows = int(classes.sum())
    null = permutation_moments(sizes, rows, int(classes[1]))
    return Told(*mutual_information(by_label, classes), null, rows)
