"""Categoricals that name a row rather than something that comes back."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "unique"
MIN_ROWS = 100


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the number of distinct values with the rows that have one."""
    for column in tables.data.columns.values():
        limit = tables.limit(NAME, column.name)
        share = distinct_share(column)
        if share > limit:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=share,
                limit=limit,
                message=f"`{column.name}` must have at most {limit:.0%} as many values as rows. "
                f"Received: {column.counts.distinct:,} values in {column.present:,} rows of "
                f"{tables.data.name}. An id of the row tells nothing of the next one: leave it "
                f"out, or raise `{NAME}`.",
            )


def distinct_share(column: ColumnProfile) -> float:
    """Returns distinct values over rows, 0 of a column that is no single category."""
    if column.column.kind != "value" or column.present < MIN_ROWS:
        return 0.0
    # An estimate may be above the number of rows.
    return min(column.counts.distinct / column.present, 1.0)
