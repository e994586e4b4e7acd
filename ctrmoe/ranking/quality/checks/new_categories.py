"""Categories of the other table that the data do not have."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS, VALUE
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.significance import differs
from ctrmoe.ranking.quality.tables import Tables

NAME = "new_categories"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of rows, or of the values in lists, whose category is new."""
    for column, other in tables.pairs():
        if column.column.kind == "number":
            continue
        level = max(column.counts.level, other.counts.level)
        theirs = other.counts.at(level)
        new = theirs.join(column.counts.at(level), on=KEY, how="anti")
        rows, total = int(new[ROWS].sum()), int(theirs[ROWS].sum())
        mine = column.counts.table()[ROWS]
        # As many are new by chance as rows have a value that comes once (Good, 1953).
        once, known = int((mine == 1).sum()), int(mine.sum())
        share = rows / max(total, 1)
        limit = tables.limit(NAME, column.name)
        above = share - once / max(known, 1) > limit and differs(rows, total, once, known)
        if above and tables.against is not None:
            example = new.sort([ROWS, FIRST], descending=[True, False])
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=share,
                limit=limit,
                message=f"Values of `{column.name}` that {tables.data.name} does not have must "
                f"take at most {limit:.0%} of the rows. Received: {share:.1%}, such as "
                f"{example[VALUE][0]!r} in {tables.against.row(int(example[FIRST][0]))}. Train on "
                f"newer rows, set `hash_buckets`, or raise `{NAME}`.",
            )
