"""Drift of a column between the two tables by the population stability index."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.drift import drifted, psi, psi_by_chance
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "psi"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the index less what chance alone gives."""
    yield from drifted(tables, NAME, "population stability index", psi, psi_by_chance)
