"""The table that a feature is counted in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import polars as pl

from ctrmoe.data import columns
from ctrmoe.data.derived import raw_type
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.distinct_sketch import SKETCH_SIZE
from ctrmoe.schema import Feature

K = TypeVar("K")
Place = tuple[str, str]
"""A feature and a task."""


def empty_table(
    feature: Feature, frame: pl.DataFrame, max_values: int, sketch_size: int = SKETCH_SIZE
) -> ContingencyTable:
    """Returns a table for the counts of a feature.

    Args:
        feature: The feature.
        frame: Raw rows, whose type decides where the feature has no `dtype`.
        max_values: Most distinct values counted one by one; a power of two.
        sketch_size: Hashes that are kept to estimate the number of more distinct values.
    """
    if feature.kind == "numeric":
        return ContingencyTable("number", max_values, feature.buckets, sketch_size=sketch_size)
    if feature.is_list:
        return ContingencyTable("list", max_values, sketch_size=sketch_size)
    dtype = feature.dtype or columns.infer_dtype(feature.name, raw_type(frame.schema, feature))
    ordered = dtype == "integer"
    return ContingencyTable("category", max_values, ordered=ordered, sketch_size=sketch_size)


def merge_tables(tables: dict[K, ContingencyTable], others: Mapping[K, ContingencyTable]) -> None:
    """Adds the counts of other rows to those of the same places."""
    for place, table in others.items():
        if place in tables:
            tables[place].merge(table)
        else:
            tables[place] = table
