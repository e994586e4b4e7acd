"""Columns that are missing more or less often in one file, or in the other table."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.significance import differs
from ctrmoe.ranking.quality.tables import Tables

NAME = "missing_change"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares each file with the other files of its table, and the two tables."""
    for table, column in tables.columns():
        for first, (rows, missing) in column.by_file.items():
            rest = (column.missing - missing, column.rows - rows)
            yield from _compare(
                tables, column.name, table.file_at(first), (missing, rows), rest, "the other files"
            )
    for column, other in tables.pairs():
        assert tables.against is not None
        shares = (other.missing, other.rows), (column.missing, column.rows)
        yield from _compare(tables, column.name, tables.against.name, *shares, tables.data.name)


def _compare(
    tables: Tables,
    column: str,
    where: str,
    part: tuple[int, int],
    rest: tuple[int, int],
    elsewhere: str,
) -> Iterator[Finding]:
    limit = tables.limit(NAME, column)
    if not (part[1] and rest[1]):
        return
    share, other = part[0] / part[1], rest[0] / rest[1]
    if abs(share - other) > limit and differs(*part, *rest):
        yield Finding(
            check=NAME,
            severity="error",
            column=column,
            value=abs(share - other),
            limit=limit,
            message=f"The share of rows without `{column}` must not change by more than "
            f"{limit:.1%}. Received: {share:.1%} in {where}, {other:.1%} in {elsewhere}. Find out "
            f"what fills the column, or raise `{NAME}`.",
        )
