"""Drift of a column between the two tables by the Jensen-Shannon divergence."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.drift import drifted, jensen_shannon, jensen_shannon_by_chance
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "jensen_shannon"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the divergence less what chance alone gives."""
    yield from drifted(
        tables, NAME, "Jensen-Shannon divergence", jensen_shannon, jensen_shannon_by_chance
    )
