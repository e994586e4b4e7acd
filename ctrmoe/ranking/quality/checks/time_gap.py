"""Periods without a row, as a lost day of a log leaves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.times import DAY, periods, read_times

NAME = "time_gap"
MIN_ROWS = 20
"""Rows of the median period: sparser ones are empty by chance."""


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the longest run of empty days, or hours, of each table."""
    limit = tables.limit(NAME)
    for table in tables.each():
        times = read_times(table)
        divided = periods(times) if times else None
        if times is None or divided is None:
            continue
        seconds, number = divided
        used, place = np.unique(number, return_inverse=True)
        typical = np.median(np.bincount(place, times.rows[times.main]))
        gaps = np.diff(used) - 1
        if len(gaps) and gaps.max() > limit and typical >= MIN_ROWS:
            after = float(used[gaps.argmax()] + 1) * seconds
            unit = "days" if seconds == DAY else "hours"
            yield Finding(
                check=NAME,
                severity="warning",
                column=tables.schema.timestamp,
                value=float(gaps.max()),
                limit=limit,
                message=f"`{tables.schema.timestamp}` must have rows in every run of {limit + 1:g} "
                f"{unit}. Received: none in {gaps.max():,} {unit} from {times.show(after)} on in "
                f"{table.name}. Add what was lost, or raise `{NAME}`.",
            )
