"""The page that `ctrmoe rank` writes beside its tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from ctrmoe.ranking.quality.section import findings_section
from ctrmoe.ranking.sections.combinations import combinations_section
from ctrmoe.ranking.sections.conditional import conditional_section
from ctrmoe.ranking.sections.controls import controls_section
from ctrmoe.ranking.sections.distributions import distributions_section
from ctrmoe.ranking.sections.domains import domains_section
from ctrmoe.ranking.sections.ranking import ranking_section
from ctrmoe.ranking.sections.redundancy import redundancy_section
from ctrmoe.ranking.sections.score_chart import heading
from ctrmoe.ranking.sections.time_slices import time_slices_section
from ctrmoe.report import Section, render_page


def ranking_page(tables: Mapping[str, pl.DataFrame], name: str, *, score: str, level: float) -> str:
    """Renders what is known about the features; a part without a table is left out.

    Args:
        tables: Those that `rank_tables` returns, by name.
        name: Of the data set.
        score: What the features are ranked by.
        level: Of `above_noise`.
    """
    sections = list(_sections(tables, score, level))
    return render_page(f"Features of {name}", _facts(tables["ranking"], score), sections)


def _sections(tables: Mapping[str, pl.DataFrame], score: str, level: float) -> Iterator[Section]:
    # Another table is another of these functions.
    ranking = tables["ranking"]
    yield ranking_section(ranking, score, level)
    if "distributions" in tables:
        yield distributions_section(tables["distributions"])
    if "pairs" in tables:
        yield combinations_section(tables["pairs"], level)
    if "redundancy" in tables:
        yield redundancy_section(tables["redundancy"], tables.get("three_mr"))
    if "conditional" in tables or "forward" in tables:
        yield conditional_section(tables.get("conditional"), tables.get("forward"))
    if "by_domain" in tables:
        yield domains_section(tables["by_domain"], tables["heterogeneity"])
    if "by_time" in tables:
        yield time_slices_section(tables["by_time"], tables["stability"])
    if ranking["is_control"].any():
        yield controls_section(ranking, score)
    if "findings" in tables:
        yield findings_section(tables["findings"])


def _facts(ranking: pl.DataFrame, score: str) -> dict[str, str]:
    features = ranking.filter(~pl.col("is_control"))
    above = features.group_by("task", maintain_order=True).agg(pl.col("above_noise").sum())
    return {
        "rows with a label": f"{max(ranking['rows']):,}",
        "features": f"{features['feature'].n_unique():,}",
        "ranked by": f"{score}: {heading(score)}",
        "above noise": ", ".join(f"{count:,} for {task}" for task, count in above.iter_rows()),
    }
