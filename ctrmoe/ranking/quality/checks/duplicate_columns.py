"""Features that are the same as another one in every row."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "duplicate_columns"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares fingerprints of the columns; columns of one value are the check `constant`'s."""
    seen: dict[tuple[int, int, str], ColumnProfile] = {}
    for column in tables.data.columns.values():
        if column.counts.distinct < 2:
            continue
        key = (column.fingerprint, column.rows, column.column.kind)
        first = seen.setdefault(key, column)
        if first is not column:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                message=f"`{column.name}` must differ from `{first.name}`. Received: the same in "
                f"all {column.rows:,} rows of {tables.data.name}. Leave one of them out.",
            )
