"""Label rates by value of the features that rank first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from ctrmoe.data.bins import bin_starts
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.feature_table import Place

MIN_FEATURES, MAX_FEATURES = 3, 12
"""Of a task."""
MAX_LINES, MAX_DIGITS = 12, 9
"""Values or bins of a feature, and digits of a number: a float32 has no more."""
DEVIATIONS = 1.96
MISSING, UNNAMED = "(missing)", "(not among the rows searched)"

Names = Mapping[int, str]


def first_places(ranking: pl.DataFrame) -> list[Place]:
    """Returns feature and task of those whose distributions are worth a look.

    They are the first twelve of a task that are above noise; where these are fewer than three, the
    first three.
    """
    features = ranking.filter(~pl.col("is_control"))
    number = pl.int_range(pl.len()).over("task")
    above = pl.col("above_noise") & (number < MAX_FEATURES)
    return features.filter(above | (number < MIN_FEATURES)).select("feature", "task").rows()


def frequent_keys(table: ContingencyTable) -> np.ndarray:
    """Returns the keys of the most frequent values of a category, the most frequent first."""
    keys, counts = table.keyed_counts
    return keys[np.lexsort((keys, -counts.sum(axis=1)))[:MAX_LINES]]


def distributions(
    tables: Mapping[Place, ContingencyTable], names: Mapping[Place, Names]
) -> pl.DataFrame:
    """Returns rows and label rates by value of some features.

    The most frequent values of a category have a row each, the others one together; a number has
    up to twelve bins of about equal counts. The interval of a rate is Wilson's of 95 %.

    Args:
        tables: Counts of the features.
        names: Texts of the keys of categories.

    Reference:
        Wilson, 1927, "Probable inference, the law of succession, and statistical inference",
        JASA 22.
    """
    return pl.concat(
        _distribution(place, table, names.get(place, {})) for place, table in tables.items()
    )


def _distribution(place: Place, table: ContingencyTable, names: Names) -> pl.DataFrame:
    lines = list(_lines(table, names))
    counts = np.array([count for _, count in lines])
    rows, positives = counts.sum(axis=1), counts[:, 1]
    low, high = wilson(positives, rows)
    overall = table.rows.sum(axis=0)
    feature, task = place
    return pl.DataFrame(
        {
            "task": task,
            "feature": feature,
            "value": [value for value, _ in lines],
            "rows": rows,
            "positives": positives,
            "label_rate": positives / rows,
            "label_rate_low": low,
            "label_rate_high": high,
            "overall_rate": overall[1] / overall.sum(),
        }
    )


def wilson(positives: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the limits of the 95 % interval of a rate."""
    rate, z2 = positives / rows, DEVIATIONS**2
    centre = (rate + z2 / (2 * rows)) / (1 + z2 / rows)
    half = DEVIATIONS / (1 + z2 / rows) * np.sqrt(rate * (1 - rate) / rows + z2 / (4 * rows**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _lines(table: ContingencyTable, names: Names) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the texts of values or bins with their counts by label."""
    yield from _bins(table) if table.kind == "number" else _values(table, names)
    if table.missing_counts.any():
        yield MISSING, table.missing_counts


def _bins(table: ContingencyTable) -> Iterator[tuple[str, np.ndarray]]:
    values, counts = table.ordered_counts
    for start, end in pairwise([*bin_starts(counts, MAX_LINES), len(values)]):
        yield _span(values[start], values[end - 1]), counts[start:end].sum(axis=0)


def _span(low: float, high: float) -> str:
    """Returns two numbers in as few digits, four or more, as tell them apart."""
    if low == high:
        return f"{low:.{MAX_DIGITS}g}"
    for digits in range(4, MAX_DIGITS + 1):
        ends = f"{low:.{digits}g}", f"{high:.{digits}g}"
        if ends[0] != ends[1]:
            break
    return " to ".join(ends)


def _values(table: ContingencyTable, names: Names) -> Iterator[tuple[str, np.ndarray]]:
    keys, counts = table.keyed_counts
    frequent = frequent_keys(table)
    places = np.searchsorted(keys, frequent)
    for key, place in zip(frequent.tolist(), places, strict=True):
        yield names.get(key, UNNAMED), counts[place]
    others = table.cardinality - len(frequent)
    if others > 0:
        yield f"({others:,} others)", counts.sum(axis=0) - counts[places].sum(axis=0)
