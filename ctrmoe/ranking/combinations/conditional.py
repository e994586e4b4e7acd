"""What a feature tells about the label where others are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ctrmoe.ranking.combinations.choices import Combination
from ctrmoe.ranking.combinations.codes import Codes, JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.combinations.strata_null import strata_moments
from ctrmoe.ranking.estimate import CHANCE, Estimate
from ctrmoe.ranking.information import corrected

STRATUM = ""
"""Stands for the given features together; no feature is called so."""


class Conditional:
    """I(X; Y | G) - E₀ I(X; Y | G) in nats, the labels shuffled among the rows of a stratum.

    A stratum is a combination of values of the given features. Strata are exact: no two share a
    number. Of a stratum of one row, or of one label, nothing can be learned, and values that a
    stratum holds once are one value: with too many strata nothing is above noise.

    Args:
        codes: Categories by row.
        given: The features G; with none of them there is one stratum.
    """

    def __init__(self, codes: Codes, given: Sequence[str]) -> None:
        strata = np.zeros(len(codes.labels), np.uint32)
        if given:
            places = JointIndex(codes, given).places
            strata = np.unique(places, return_inverse=True)[1].astype(np.uint32)
        self._rows = np.bincount(strata)
        self._positives = np.bincount(strata[codes.labels > 0], minlength=len(self._rows))
        self.strata = len(self._rows)
        self._codes = replace(
            codes,
            columns=codes.columns | {STRATUM: strata},
            categories=codes.categories | {STRATUM: self.strata},
            missing=codes.missing | {STRATUM: None},
        )

    def __call__(self, names: Combination) -> Estimate:
        """Returns the score of the last of these features."""
        index = JointIndex(self._codes, [STRATUM, names[-1]])
        counts = JointCounts.of_rows(index, self._codes.labels)
        strata = index.members(counts.places)[0]
        sizes, positives, strata = self._once_joined(counts, strata)
        rows, rates = int(self._rows.sum()), (self._positives / self._rows)[strata]
        first = second = 0.0
        for count, chance in ((positives, rates), (sizes - positives, 1 - rates)):
            some = count > 0
            surprise = np.log(count[some] / (sizes[some] * chance[some]))
            first += float((count[some] * surprise).sum()) / rows
            second += float((count[some] * np.square(surprise)).sum()) / rows
        null = strata_moments(sizes, strata, self._rows, self._positives)
        if null.variance <= 0:
            return CHANCE
        return corrected(first, (max(second - first**2, 0) / rows) ** 0.5, null, rows)

    def _once_joined(
        self, counts: JointCounts, strata: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        several = counts.sizes > 1
        once = np.bincount(strata[~several], minlength=self.strata)
        positive = np.bincount(strata[~several], counts.positives[~several], self.strata)
        some = np.flatnonzero(once)
        return (
            np.concatenate([counts.sizes[several], once[some]]),
            np.concatenate([counts.positives[several], positive[some].astype(np.int64)]),
            np.concatenate([strata[several], some]),
        )
