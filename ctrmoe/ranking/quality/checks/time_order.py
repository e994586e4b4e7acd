"""A table to compare with that lies before the data, as swapped training and test parts do."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.times import TAIL, read_times

NAME = "time_order"
LIMIT = 0.5


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of the other table's rows that lie before 95 % of the data's."""
    data = read_times(tables.data)
    other = read_times(tables.against) if tables.against is not None else None
    if data is None or other is None:
        return
    start = data.share_at(TAIL)
    share = float(other.rows[other.values < start].sum() / other.rows.sum())
    if share > LIMIT:
        yield Finding(
            check=NAME,
            severity="error",
            column=tables.schema.timestamp,
            value=share,
            limit=LIMIT,
            message=f"{other.table.name} must not lie before {data.table.name}. Received: "
            f"{share:.0%} of its rows before {data.show(start)} by `{tables.schema.timestamp}`. "
            "Swap the two tables.",
        )
