"""The statistics of every column as a table, to keep or to plot."""

from __future__ import annotations

from typing import Any

import polars as pl

from ctrmoe.ranking.quality.auc import feature_auc
from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.drift import binned, jensen_shannon, psi
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables

SHARES = {"p01": 0.01, "p25": 0.25, "median": 0.5, "p75": 0.75, "p99": 0.99}
_SCHEMA: dict[str, Any] = {
    "table": pl.String,
    "column": pl.String,
    "kind": pl.String,
    "rows": pl.Int64,
    "missing": pl.Int64,
    "coverage": pl.Float64,
    "distinct": pl.Int64,
    "distinct_error": pl.Float64,
    "most_frequent": pl.String,
    "most_frequent_share": pl.Float64,
    "rare_share": pl.Float64,
    "minimum": pl.Float64,
    **dict.fromkeys(SHARES, pl.Float64),
    "maximum": pl.Float64,
    "psi": pl.Float64,
    "jensen_shannon": pl.Float64,
}


def statistics(tables: Tables) -> pl.DataFrame:
    """Returns a row for each column of each table; `auc_<task>` is that of the feature alone."""
    drift = {}
    for column, other in tables.pairs():
        rows = binned(column, other)
        drift[column.name] = {"psi": psi(*rows), "jensen_shannon": jensen_shannon(*rows)}
    types = _SCHEMA | {f"auc_{task.name}": pl.Float64 for task in tables.schema.tasks}
    records = []
    for table, column in tables.columns():
        record = _record(table, column)
        if table is tables.data:
            record["table"] = "data"
        else:
            record |= {"table": "against", **drift.get(column.name, {})}
        records.append(record)
    return pl.DataFrame([dict.fromkeys(types) | record for record in records], schema=types)


def _record(table: TableProfile, column: ColumnProfile) -> dict[str, Any]:
    value, share = column.most_frequent
    record = {
        "column": column.name,
        "kind": column.column.kind,
        "rows": column.rows,
        "missing": column.missing,
        "coverage": 1 - column.missing_share,
        "distinct": column.counts.distinct,
        "distinct_error": column.counts.distinct_error,
        "most_frequent": value,
        "most_frequent_share": share,
        "rare_share": column.rare_share,
    }
    if column.column.kind == "number":
        numbers = column.numbers[0]
        if len(numbers):
            record |= {"minimum": float(numbers[0]), "maximum": float(numbers[-1])}
            record |= dict(zip(SHARES, column.quantiles(list(SHARES.values())), strict=True))
    for task in table.schema.tasks:
        record[f"auc_{task.name}"] = feature_auc(column, task.name)
    return record
