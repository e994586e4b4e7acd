"""Rows that are the same as an earlier one in every column."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.counts import FIRST, ROWS
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables

NAME = "duplicate_rows"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of repeated rows in each table."""
    limit = tables.limit(NAME)
    for table in tables.each():
        share = duplicate_share(table)
        if share > limit:
            counts = table.row_counts.table()
            repeated = counts.filter(counts[ROWS] > 1)
            first, times = repeated[FIRST].min(), repeated.sort(FIRST)[ROWS][0]
            yield Finding(
                check=NAME,
                severity="warning",
                value=share,
                limit=limit,
                message=f"At most {limit:.1%} of the rows may repeat an earlier one. Received: "
                f"{share:.1%} in {table.name}, such as {table.row(int(first))}, "  # type: ignore[arg-type]
                f"{times} times. Remove the copies, or raise `{NAME}`.",
            )


def duplicate_share(table: TableProfile) -> float:
    """Returns the share of rows that repeat an earlier one, estimated beyond two million rows."""
    rows = table.row_counts.table()[ROWS]
    return float(1 - len(rows) / max(rows.sum(), 1)) if len(rows) else 0.0
