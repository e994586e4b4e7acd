"""The bins that numbers are taken in where features are combined."""

from __future__ import annotations

import polars as pl

from ctrmoe.ranking.contingency_table import ContingencyTable

BINS = {"task": pl.String, "feature": pl.String, "bin": pl.Int64, "lower": pl.Float32}
"""Columns of `bins.parquet`."""


def bins_of(task: str, feature: str, counts: ContingencyTable) -> pl.DataFrame:
    """Returns the bins of a number with the least number of each.

    A category has none, and neither has a number whose formula joins numbers far apart.

    Args:
        task: Its rows are those that are counted.
        feature: The name of the feature.
        counts: Of the feature.
    """
    ranges = counts.ranges if counts.kind == "number" else None
    if ranges is None:
        return pl.DataFrame(schema=BINS)
    columns = {"task": task, "feature": feature, "bin": range(len(ranges)), "lower": ranges}
    return pl.DataFrame(columns, schema=BINS)
