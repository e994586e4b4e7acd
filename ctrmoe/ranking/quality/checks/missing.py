"""Columns that are missing in nearly all rows."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "missing"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of rows without a value (null, NaN, empty text or list)."""
    for table, column in tables.columns():
        limit = tables.limit("missing", column.name)
        if column.missing_share > limit:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=column.missing_share,
                limit=limit,
                message=f"Column `{column.name}` must be missing in at most {limit:.1%} of the "
                f"rows. Received: {column.missing_share:.1%} in {table.name}. Fill it, leave the "
                "feature out, or raise `missing`.",
            )
