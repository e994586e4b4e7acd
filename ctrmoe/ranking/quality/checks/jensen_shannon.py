"""Drift of a column between the two tables by the Jensen-Shannon divergence."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.drift import binned, jensen_shannon, jensen_shannon_by_chance
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "jensen_shannon"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the divergence less what chance alone gives."""
    for column, other in tables.pairs():
        limit = tables.limit(NAME, column.name)
        rows = binned(column, other)
        value = jensen_shannon(*rows)
        if value - jensen_shannon_by_chance(*rows) > limit and tables.against is not None:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=value,
                limit=limit,
                message=f"The Jensen-Shannon divergence of `{column.name}` must be at most "
                f"{limit:g}. Received: {value:.3f} between {tables.data.name} and "
                f"{tables.against.name}. Find out what changed, train on newer rows, or raise "
                f"`{NAME}`.",
            )
