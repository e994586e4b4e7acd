"""The page that `ctrmoe rank` writes beside its tables."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from ctrmoe.ranking.quality.section import findings_section
from ctrmoe.ranking.sections.controls import controls_section
from ctrmoe.ranking.sections.distributions import distributions_section
from ctrmoe.ranking.sections.ranking import ranking_section
from ctrmoe.ranking.sections.score_chart import heading
from ctrmoe.report import render_page


def ranking_page(tables: Mapping[str, pl.DataFrame], name: str, *, score: str, level: float) -> str:
    """Renders what is known about the features; a part without a table is left out.

    Args:
        tables: `ranking`, and those that there are of `distributions` and `findings`.
        name: Of the data set.
        score: What the features are ranked by.
        level: Of `above_noise`.
    """
    # Another table is another of these functions.
    sections = [ranking_section(tables["ranking"], score, level)]
    if "distributions" in tables:
        sections.append(distributions_section(tables["distributions"]))
    if tables["ranking"]["is_control"].any():
        sections.append(controls_section(tables["ranking"], score))
    if "findings" in tables:
        sections.append(findings_section(tables["findings"]))
    return render_page(f"Features of {name}", _facts(tables["ranking"], score), sections)


def _facts(ranking: pl.DataFrame, score: str) -> dict[str, str]:
    features = ranking.filter(~pl.col("is_control"))
    above = features.group_by("task", maintain_order=True).agg(pl.col("above_noise").sum())
    return {
        "rows with a label": f"{max(ranking['rows']):,}",
        "features": f"{features['feature'].n_unique():,}",
        "ranked by": f"{score}: {heading(score)}",
        "above noise": ", ".join(f"{count:,} for {task}" for task, count in above.iter_rows()),
    }
