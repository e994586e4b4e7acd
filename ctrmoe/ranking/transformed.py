"""Transformed numbers as candidates of the ranking, from the counts of the numbers themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ctrmoe import strict
from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.schema import Feature, Schema, SchemaError, Task
from ctrmoe.transforms import PRESETS

MOST_FREQUENT, MOST_MISSING = 0.8, 0.75
"""Shares from which a candidate is left out."""


def with_candidates(schema: Schema, preset: str) -> Schema:
    """Returns the schema with each numeric feature by each formula of a preset beside it.

    They are called `price sqrt` and so on; a name that the schema has already is left out.

    Raises:
        SchemaError: When there is no such preset.
    """
    if preset not in PRESETS:
        raise SchemaError(
            f"`transformers` must be {' or '.join(PRESETS)}. Received: {preset!r}."
            + strict.suggestion(preset, PRESETS)
        )
    taken = {feature.name for feature in schema.features}
    found = [
        Feature(
            name=f"{feature.name} {transform}",
            kind="numeric",
            source=feature.column,
            where=feature.where,
            transform=transform,
            buckets=feature.buckets,
        )
        for feature in schema.features
        if feature.kind == "numeric"
        for transform in PRESETS[preset]
    ]
    return schema.replace(features=(*schema.features, *(f for f in found if f.name not in taken)))


def candidates(
    schema: Schema, preset: str, counts: Mapping[tuple[str, str], ContingencyTable]
) -> list[tuple[Feature, Task, ContingencyTable]]:
    """Returns the candidates that are worth a score, each with its counts by task.

    A formula maps values to values, so that its counts are those of the numbers under other keys:
    no row is read again. Numbers are not clipped here; mean, deviation and bounds are those of all
    labelled rows. Left out are candidates with one value, with one in 80 % of the rows, or missing
    in 75 %.

    Args:
        schema: Its numeric features are transformed.
        preset: A name of `PRESETS`.
        counts: By feature and task.

    Reference:
        OutRank 0.97.5: formulas and what is left out.
    """
    known = {feature.name for feature in schema.features}
    sources = {(f.column, f.where): f.name for f in schema.features if f.kind == "numeric"}
    found = []
    for candidate in with_candidates(schema, preset).features:
        if candidate.name in known:
            continue
        source = sources[candidate.column, candidate.where]
        for task in schema.tasks:
            table = _transformed(candidate, counts[source, task.name])
            if _is_worth_a_score(table):
                found.append((candidate, task, table))
    return found


def _transformed(candidate: Feature, table: ContingencyTable) -> ContingencyTable:
    numbers, counts = table.ordered_counts
    if not len(numbers):
        return table
    rows = counts.sum(axis=1)
    mean = np.average(numbers, weights=rows)
    deviation = np.sqrt(np.average((numbers - mean) ** 2, weights=rows))
    statistics = NumericStatistics(
        float(numbers[0]), float(numbers[-1]), float(mean), float(deviation) or 1.0
    )
    return table.mapped(statistics.transform(candidate, numbers))


def _is_worth_a_score(table: ContingencyTable) -> bool:
    _, counts = table.keyed_counts
    sizes, rows = counts.sum(axis=1), int(table.rows.sum())
    return (
        len(sizes) > 1 and sizes.max() < MOST_FREQUENT * rows and 1 - table.coverage < MOST_MISSING
    )
