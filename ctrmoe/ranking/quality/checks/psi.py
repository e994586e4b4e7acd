"""Drift of a column between the two tables by the population stability index."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.drift import binned, psi, psi_by_chance
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "psi"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the index less what chance alone gives."""
    for column, other in tables.pairs():
        limit = tables.limit(NAME, column.name)
        rows = binned(column, other)
        value = psi(*rows)
        if value - psi_by_chance(*rows) > limit and tables.against is not None:
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=value,
                limit=limit,
                message=f"The population stability index of `{column.name}` must be at most "
                f"{limit:g}. Received: {value:.3f} from {tables.data.name} to "
                f"{tables.against.name}. Find out what changed, train on newer rows, or raise "
                f"`{NAME}`.",
            )
