"""Numbers by their formulas, from the counts of the numbers themselves.

A formula maps values to values, so that its counts are those of the numbers under other keys: no
row is read again. Numbers are not clipped here; mean, deviation and bounds are those of all
labelled rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ctrmoe import strict
from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.keys import MISSING_KEY, Keys, number_keys, number_of
from ctrmoe.schema import Feature, Schema, SchemaError
from ctrmoe.transforms import INCREASING, PRESETS

MOST_FREQUENT, MOST_MISSING = 0.8, 0.75
"""Shares from which a candidate is left out."""


class Candidate(NamedTuple):
    """What is ranked: a feature, or a formula of a numeric one.

    Args:
        feature: The feature, or the number by the formula.
        source: The name of the feature whose counts it is ranked from: its own, or the number's.
    """

    feature: Feature
    source: str

    @property
    def is_transformed(self) -> bool:
        """Whether the formula may change the score: where numbers keep their order, none does."""
        return self.feature.transform not in INCREASING

    def transformed(
        self, counts: ContingencyTable, statistics: NumericStatistics
    ) -> ContingencyTable:
        """Returns the counts of a number by the formula.

        Args:
            counts: Of the numbers, in some of the rows.
            statistics: Of the numbers in all rows.
        """
        numbers = counts.ordered_counts[0].astype(np.float32)
        return counts.mapped(statistics.transform(self.feature, numbers))


def with_candidates(schema: Schema, preset: str) -> Schema:
    """Returns the schema with each numeric feature by each formula of a preset beside it.

    They are called `price sqrt` and so on; a name that the schema has already is left out.

    Raises:
        SchemaError: When there is no such preset.
    """
    found = (candidate.feature for candidate in candidates(schema, preset))
    return schema.replace(features=(*schema.features, *found))


def candidates(schema: Schema, preset: str) -> list[Candidate]:
    """Returns the formulas of a preset of all numeric features.

    Raises:
        SchemaError: When there is no such preset.

    Reference:
        OutRank 0.97.5: formulas, and what `is_worth_a_score` leaves out.
    """
    if preset not in PRESETS:
        raise SchemaError(
            f"`transformers` must be {' or '.join(PRESETS)}. Received: {preset!r}."
            + strict.suggestion(preset, PRESETS)
        )
    taken = {feature.name for feature in schema.features}
    return [
        Candidate(_by_formula(feature, transform), feature.name)
        for feature in schema.features
        if feature.kind == "numeric"
        for transform in PRESETS[preset]
        if f"{feature.name} {transform}" not in taken
    ]


def is_worth_a_score(table: ContingencyTable) -> bool:
    """Whether a number by a formula has two values, none in 80 % of the rows, and some in 25 %."""
    _, counts = table.keyed_counts
    sizes, rows = counts.sum(axis=1), int(table.rows.sum())
    return (
        len(sizes) > 1 and sizes.max() < MOST_FREQUENT * rows and 1 - table.coverage < MOST_MISSING
    )


def statistics_of(table: ContingencyTable) -> NumericStatistics:
    """Returns what formulas need to know of the numbers of a table."""
    numbers, counts = table.ordered_counts
    return _statistics(numbers, counts.sum(axis=1))


def keys_by_formula(keys: Keys, feature: Feature) -> Keys:
    """Returns the keys of a feature in a sample of rows as a model reads it, as `transformed`."""
    if feature.transform in INCREASING:
        return keys
    present = keys.values != MISSING_KEY
    values = keys.values.copy()
    numbers, counts = np.unique(number_of(values[present]), return_counts=True)
    images = _statistics(numbers, counts).transform(feature, numbers.astype(np.float32))
    values[present] = number_keys(images)[np.searchsorted(numbers, number_of(values[present]))]
    return Keys(values)


def _statistics(numbers: np.ndarray, rows: np.ndarray) -> NumericStatistics:
    if not len(numbers):
        return NumericStatistics()
    mean = np.average(numbers, weights=rows)
    deviation = np.sqrt(np.average((numbers - mean) ** 2, weights=rows))
    return NumericStatistics(
        float(numbers[0]), float(numbers[-1]), float(mean), float(deviation) or 1.0
    )


def _by_formula(feature: Feature, transform: str) -> Feature:
    return Feature(
        name=f"{feature.name} {transform}",
        kind="numeric",
        source=feature.column,
        where=feature.where,
        transform=transform,
        buckets=feature.buckets,
    )
