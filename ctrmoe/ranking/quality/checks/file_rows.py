"""Files that hold far fewer rows than the others, as one does that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "file_rows"
MIN_FILES = 3


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the rows of each file with the median of its table's files."""
    limit = tables.limit(NAME)
    for table in tables.each():
        typical = median(file.rows for file in table.files)
        for file in table.files:
            times = typical / max(file.rows, 0.5)
            if not file.rows or (len(table.files) >= MIN_FILES and times > limit):
                yield Finding(
                    check=NAME,
                    severity="warning",
                    value=times,
                    limit=limit,
                    message=f"A file must hold at least 1/{limit:g} of the median file's rows, "
                    f"{typical:,.0f}. Received: {file.rows:,} rows in {file.name}. Write it again, "
                    f"or raise `{NAME}`.",
                )
