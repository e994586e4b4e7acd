"""The bins that numbers are taken in where features are combined."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ctrmoe.ranking.contingency_table import ContingencyTable

BINS = {"task": pl.String, "feature": pl.String, "bin": pl.Int64, "lower": pl.Float32}
"""Columns of `bins.parquet`."""


def bins_of(task: str, counts: Mapping[str, ContingencyTable]) -> pl.DataFrame:
    """Returns the bins of the numbers among some features, with the least number of each.

    A number whose formula makes no ranges of numbers of its bins is left out.

    Args:
        task: Its rows are those that are counted.
        counts: Of each feature.
    """
    frames = [pl.DataFrame(schema=BINS)]
    for name, table in counts.items():
        ranges = table.ranges if table.kind == "number" else None
        if ranges is not None:
            columns = {"task": task, "feature": name, "bin": range(len(ranges)), "lower": ranges}
            frames.append(pl.DataFrame(columns, schema=BINS))
    return pl.concat(frames)
