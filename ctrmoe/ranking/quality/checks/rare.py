"""Categoricals most of whose rows have a value that hardly comes back."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.checks.unique import MIN_ROWS, distinct_share
from ctrmoe.ranking.quality.column_profile import RARE_ROWS
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "rare"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of rows whose value comes in fewer than five rows."""
    for column in tables.data.columns.values():
        limit = tables.limit(NAME, column.name)
        if column.column.kind == "number" or column.present < MIN_ROWS:
            continue
        if distinct_share(column) > tables.limit("unique", column.name):
            continue  # a finding of the check `unique` already
        if column.rare_share > limit:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=column.rare_share,
                limit=limit,
                message=f"Values of `{column.name}` in fewer than {RARE_ROWS} rows must take at "
                f"most {limit:.0%} of the rows. Received: {column.rare_share:.1%} in "
                f"{tables.data.name}. Set `min_count` or `hash_buckets`, or raise `{NAME}`.",
            )
