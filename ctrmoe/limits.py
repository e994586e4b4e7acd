"""The limits of `ctrmoe check`, the table `[limits]` of a schema."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from ctrmoe import strict

TABLE_LIMITS = (
    "duplicate_rows",
    "overlap",
    "file_rows",
    "label_rate",
    "time_gap",
    "timestamp_outliers",
)
"""Limits of the whole table: no column has one of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a table may show before `ctrmoe check` reports it; a higher limit is more lenient.

    Args:
        missing: Share of the rows in which a column is missing.
        missing_change: Difference of that share between two tables, or a file and the rest.
        most_frequent: Share of a column's most frequent value; a missing one counts as a value.
        unique: Distinct values of a categorical over the rows that have one.
        rare: Share of a categorical's rows whose value comes in fewer than five rows.
        leakage: Area under the ROC curve of a single feature for a label.
        duplicate_rows: Share of rows that repeat an earlier one in every column.
        overlap: Share of the rows of `--against` that are rows of the data too, beyond the share of
            the data's rows that repeat among themselves.
        file_rows: How many times fewer rows than the median file a file may hold.
        label_rate: Change of a label's rate in a period, or in `--against`: 0.5 is by a half, up or
            down.
        time_gap: Whole periods in a row without a row: days, or hours of a table of a few days.
        timestamp_outliers: Share of rows whose time lies far from all others.
        psi: Population stability index of a feature between the two tables.
        jensen_shannon: Jensen-Shannon divergence between the two tables, from 0 to 1.
        new_categories: Share of the rows of `--against` whose value the data do not have, beyond
            what is new by chance.
        columns: Limits of single columns, which win over those above.
    """

    missing: float = 0.95
    missing_change: float = 0.1
    most_frequent: float = 0.9995
    unique: float = 0.95
    rare: float = 0.5
    leakage: float = 0.95
    duplicate_rows: float = 0.05
    overlap: float = 0.01
    file_rows: float = 20.0
    label_rate: float = 0.5
    time_gap: float = 0.0
    timestamp_outliers: float = 0.0
    psi: float = 0.25
    jensen_shannon: float = 0.1
    new_categories: float = 0.1
    columns: dict[str, dict[str, float]] = field(default_factory=dict, hash=False)

    def of(self, limit: str, column: str | None = None) -> float:
        """Returns a limit by its name, the column's own one where it has one."""
        own = self.columns.get(column, {}) if column is not None else {}
        value: float = own.get(limit, getattr(self, limit))
        return value

    def broken_rule(self) -> str:
        """Returns the rule that the table breaks, empty if there is none."""
        names = [f.name for f in dataclasses.fields(self) if f.name != "columns"]
        for name in names:
            if not getattr(self, name) >= 0:
                return f"`limits.{name}` must not be negative. Received: {getattr(self, name)}."
        names = [name for name in names if name not in TABLE_LIMITS]
        for column, own in self.columns.items():
            for name, value in own.items():
                key = f"limits.columns.{column}.{name}"
                if name in TABLE_LIMITS:
                    return f"`{key}` is a limit of the table. Give it as `limits.{name}`."
                if name not in names:
                    return f"Unknown key `{key}`.{strict.suggestion(name, names)}"
                if not value >= 0:
                    return f"`{key}` must not be negative. Received: {value}."
        return ""
