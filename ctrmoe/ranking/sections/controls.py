"""Features of known worth beside those of the table."""

from __future__ import annotations

import polars as pl

from ctrmoe.ranking.controls import LABELS
from ctrmoe.ranking.sections.ranking import COLUMNS, FORMATS
from ctrmoe.ranking.sections.score_chart import BENT, BENT_TEXT, score_chart
from ctrmoe.report.section import Drawing, Section

TEXT = (
    "These features were made row by row with the ranking: control:label is the label itself, "
    "control:noisy_label the label with three rows in ten wrong, the others are noise: numbers, a "
    "unique id, categories of as many values as the name says, and the label in a random order. A "
    "ranking that can be trusted has the first two above noise, and of the noise none in most "
    "tables. Points, intervals and the grey band, which holds nine in ten of what is not above "
    "noise, are as in the ranking.{bent}"
)


def controls_section(ranking: pl.DataFrame, score: str) -> Section:
    """Draws the controls of each task.

    Args:
        ranking: The table that `rank` returns, with controls.
        score: What it is ordered by.
    """
    parts = ranking.partition_by("task", maintain_order=True)
    controls = ranking.filter("is_control").select("task", *COLUMNS)
    return Section(
        name="controls",
        title="Noise controls",
        text=(
            TEXT.format(bent=BENT_TEXT if score in BENT else ""),
            *(_before_noise(rows) for rows in parts),
        ),
        drawings=tuple(_drawing(rows, score) for rows in parts),
        excerpts={"Ranks of the controls among all features": controls},
        formats=FORMATS,
    )


def _drawing(rows: pl.DataFrame, score: str) -> Drawing:
    known = rows.filter(pl.col("is_control") & pl.col("score").is_not_null())
    noise = known.filter(~pl.col("above_noise"))["score"]
    chart = score_chart(known["feature"].to_list(), known, noise, score)
    return Drawing(f"{rows['task'][0]}: controls", chart)


def _before_noise(rows: pl.DataFrame) -> str:
    noise = rows.filter(pl.col("is_control") & ~pl.col("feature").is_in(LABELS))
    features = rows.filter(~pl.col("is_control"))
    first = noise["rank"].min()
    before = features.filter(pl.col("rank") < first).height
    return (
        f"{rows['task'][0]}: {noise['above_noise'].sum()} of {len(noise)} controls of noise are "
        f"above noise; {before:,} of {len(features):,} features rank before the first of them."
    )
