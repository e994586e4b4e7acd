"""Rows whose time lies far from all others: in the future, or at the beginning of the calendar."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.times import read_times

NAME = "timestamp_outliers"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of such rows, later or earlier by more than the other times span."""
    limit = tables.limit(NAME)
    for table in tables.each():
        times = read_times(table)
        if times is None:
            continue
        ends = (("later", slice(times.main.stop, None)), ("earlier", slice(0, times.main.start)))
        for side, part in ends:
            rows = int(times.rows[part].sum())
            share = rows / max(int(times.rows.sum()), 1)
            if rows and share > limit:
                index = range(len(times.values))[part][0]
                yield Finding(
                    check=NAME,
                    severity="error",
                    column=tables.schema.timestamp,
                    value=share,
                    limit=limit,
                    message=f"`{tables.schema.timestamp}` must lie near the times of the other "
                    f"rows. Received: {rows:,} rows far {side}, such as "
                    f"{times.show(float(times.values[index]))} in {times.first_row(index)}. Mend "
                    f"the clock's rows or leave them out, or raise `{NAME}`.",
                )
