"""What a feature tells about the label where others are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ctrmoe.ranking.combinations.choices import Combination
from ctrmoe.ranking.combinations.codes import Codes, JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.combinations.strata_null import strata_moments
from ctrmoe.ranking.estimate import Estimate
from ctrmoe.ranking.information import corrected, divergence

STRATUM = ""
"""Stands for the given features together; no feature is called so."""


class Strata(NamedTuple):
    """What is known of the strata of given features.

    Args:
        number: How many there are.
        are_exact: Whether each combination of values has one of its own.
        loss: What the given features tell beyond them; taken off every score.
        alone: Share of the rows that are alone in theirs.
    """

    number: int
    are_exact: bool
    loss: float
    alone: float


class Conditional:
    """I(X; Y | G) - E₀ I(X; Y | G) in nats, the labels shuffled among the rows of a stratum.

    A stratum is a combination of values of the given features. Of a stratum of one row, or of one
    label, nothing can be learned, and values that a stratum holds once are one value: with too many
    strata nothing is above noise.

    Where there are more than `most_strata`, rare combinations share strata with others of about the
    same label rate, so that what these say of a feature adds up. As the stratum S is a function of
    G, counted in the same rows,

        I(X; Y | G) >= I(X; Y | S) - I(G; Y | S).

    The last term is small, since the rates in a stratum are about the same, and is taken off: no
    function of the given features is above noise, however rare their values.

    Args:
        codes: Categories by row.
        given: The features G; with none of them there is one stratum.
        most_strata: Most strata; 0 for one of each combination.
    """

    def __init__(self, codes: Codes, given: Sequence[str], most_strata: int = 0) -> None:
        strata, loss = np.zeros(len(codes.labels), np.uint32), 0.0
        if given:
            places = JointIndex(codes, given).places
            strata = np.unique(places, return_inverse=True)[1].astype(np.uint32)
        rows, positives = _counts(strata, codes.labels)
        are_exact = not most_strata or len(rows) <= most_strata
        if not are_exact:
            shared = _shared(rows, positives, most_strata)
            loss = _loss(rows, positives, shared)
            strata = shared[strata]
            rows, positives = _counts(strata, codes.labels)
        self._rows, self._positives = rows, positives
        self._codes = replace(
            codes,
            columns=codes.columns | {STRATUM: strata},
            categories=codes.categories | {STRATUM: len(rows)},
            missing=codes.missing | {STRATUM: None},
        )
        alone = float(np.count_nonzero(rows == 1)) / len(strata)
        self.strata = Strata(len(rows), are_exact, loss, alone)

    def __call__(self, names: Combination) -> Estimate:
        """Returns the score of the last of these features."""
        index = JointIndex(self._codes, [STRATUM, names[-1]])
        counts = JointCounts.of_rows(index, self._codes.labels)
        strata = index.members(counts.places)[0]
        sizes, positives, strata = self._once_joined(counts, strata)
        rows, rates = int(self._rows.sum()), (self._positives / self._rows)[strata]
        first, second = divergence(sizes, positives, rates)
        null = strata_moments(sizes, strata, self._rows, self._positives)
        std = (max(second / rows - (first / rows) ** 2, 0) / rows) ** 0.5
        return corrected(first / rows - self.strata.loss, std, null, rows)

    def _once_joined(
        self, counts: JointCounts, strata: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        several = counts.sizes > 1
        once = np.bincount(strata[~several], minlength=len(self._rows))
        positive = np.bincount(strata[~several], counts.positives[~several], len(self._rows))
        some = np.flatnonzero(once)
        return (
            np.concatenate([counts.sizes[several], once[some]]),
            np.concatenate([counts.positives[several], positive[some].astype(np.int64)]),
            np.concatenate([strata[several], some]),
        )


def _counts(strata: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each stratum, and those with label 1."""
    rows = np.bincount(strata)
    return rows, np.bincount(strata[labels > 0], minlength=len(rows))


def _loss(rows: np.ndarray, positives: np.ndarray, strata: np.ndarray) -> float:
    """Returns I(G; Y | S) in the rows counted, from the counts of each combination."""
    rates = np.bincount(strata, positives) / np.bincount(strata, rows)
    return divergence(rows, positives, rates[strata])[0] / int(rows.sum())


def _shared(rows: np.ndarray, positives: np.ndarray, most: int) -> np.ndarray:
    """Returns the stratum of each combination.

    Those of as many rows as a stratum has on average keep one of their own; the others are divided
    by their label rate into so many that these have about as many rows too.

    Args:
        rows: Of each combination.
        positives: Of each, the rows with label 1.
        most: Most strata.
    """
    average = rows.sum() / most
    is_frequent = rows >= average
    strata = np.cumsum(is_frequent) - 1
    rare = rows[~is_frequent]
    _, rate = np.unique(positives[~is_frequent] / rare, return_inverse=True)
    sizes = np.bincount(rate, rare)
    middles = np.cumsum(sizes) - sizes / 2
    bins = np.unique(np.floor(middles / average), return_inverse=True)[1]
    strata[~is_frequent] = np.count_nonzero(is_frequent) + bins[rate]
    return strata.astype(np.uint32)
