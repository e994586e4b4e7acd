"""The checks of `ctrmoe check`, one a file: a function of both tables that yields findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ctrmoe.ranking.quality.checks import (
    categories,
    columns,
    constant,
    duplicate_columns,
    duplicate_rows,
    file_rows,
    jensen_shannon,
    label_rate,
    labels,
    leakage,
    missing,
    missing_change,
    new_categories,
    overlap,
    psi,
    rare,
    time_gap,
    time_order,
    timestamp_outliers,
    types,
    unique,
)
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

CHECKS: Mapping[str, Callable[[Tables], Iterator[Finding]]] = {
    "categories": categories.find,
    "columns": columns.find,
    "constant": constant.find,
    "duplicate_columns": duplicate_columns.find,
    "duplicate_rows": duplicate_rows.find,
    "file_rows": file_rows.find,
    "jensen_shannon": jensen_shannon.find,
    "label_rate": label_rate.find,
    "labels": labels.find,
    "leakage": leakage.find,
    "missing": missing.find,
    "missing_change": missing_change.find,
    "new_categories": new_categories.find,
    "overlap": overlap.find,
    "psi": psi.find,
    "rare": rare.find,
    "time_gap": time_gap.find,
    "time_order": time_order.find,
    "timestamp_outliers": timestamp_outliers.find,
    "types": types.find,
    "unique": unique.find,
}
