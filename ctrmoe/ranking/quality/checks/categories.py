"""Values of categories that `prepare` refuses."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "categories"


def find(tables: Tables) -> Iterator[Finding]:
    """Finds numbers with a fraction, and bytes that are no text, where categories should be."""
    for table in tables.each():
        for column in table.columns.values():
            if column.refused:
                yield Finding(
                    check=NAME,
                    severity="error",
                    column=column.name,
                    value=float(column.refused),
                    message=f"`{column.name}` must hold UTF-8 text or whole numbers. Received: "
                    f"{column.refused:,} other values in {table.name}. Declare it numeric, or cast "
                    "it to text.",
                )
