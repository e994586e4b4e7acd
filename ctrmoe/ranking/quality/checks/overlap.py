"""Rows of the other table that are rows of the data too."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables

NAME = "overlap"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of such rows, less the share of the data's rows that have a twin there.

    Rows of few columns repeat by chance, between two tables as much as inside one.
    """
    if tables.against is None:
        return
    mine, theirs = tables.data.row_counts, tables.against.row_counts
    level = max(mine.level, theirs.level)
    rows = theirs.at(level)
    both = rows.join(mine.at(level).select(KEY), on=KEY, how="semi")
    share = int(both[ROWS].sum()) / max(int(rows[ROWS].sum()), 1)
    limit = tables.limit(NAME)
    if share - twin_share(tables.data) > limit:
        yield Finding(
            check=NAME,
            severity="error",
            value=share,
            limit=limit,
            message=f"At most {limit:.1%} of the rows of {tables.against.name} may be rows of "
            f"{tables.data.name}. Received: {share:.1%}, such as "
            f"{tables.against.row(int(both[FIRST].min()))}. Take them out of one of the tables, or "  # type: ignore[arg-type]
            f"raise `{NAME}`.",
        )


def twin_share(table: TableProfile) -> float:
    """Returns the share of rows that are the same as another row of their table."""
    rows = table.row_counts.table()[ROWS].to_numpy()
    return float(rows[rows > 1].sum() / max(rows.sum(), 1))
