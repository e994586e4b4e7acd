"""The order of the features, with error bars and the level of noise."""

from __future__ import annotations

import polars as pl

from ctrmoe.ranking.sections.score_chart import BENT, BENT_TEXT, score_chart
from ctrmoe.report.section import Drawing, Section

MAX_STRONG, MIN_WEAK = 30, 5
"""Features drawn of those above noise, and at least of the others."""
TEXT = (
    "Each line is a feature: the point is its score, the bar its 95 % interval (1.96 standard "
    "errors on each side). Filled blue points are above noise: with a probability of {sure} not "
    "one of them only looks so (Holm's method). Hollow grey ones are not, and their order says "
    "little.{band}{bent}"
)
BAND = (
    " The grey band holds nine in ten scores of what is not above noise. Each feature is compared "
    "with its own labels shuffled: one of few values, of which chance reaches less far, may be "
    "above noise within the band."
)
COLUMNS_TEXT = (
    "Columns of the tables: rank, controls counted where there are any; score std, the standard "
    "error of the score; p value, the probability "
    "of so high a score with shuffled labels (0 where it is below 1e-300); q value, the smallest "
    "false-discovery rate at which the feature is a discovery (Benjamini-Hochberg); cardinality, "
    "the number of distinct values, exact or with an error of 0.4 %; coverage, the share of rows "
    "with a value; auc, that of the feature alone, its values replaced by their label rates in "
    "the other half of the rows (0.5 is chance)."
)
COLUMNS = (
    "rank", "feature", "score", "score_std", "p_value", "q_value", "above_noise", "kind",
    "cardinality", "cardinality_is_exact", "coverage", "auc",
)  # fmt: skip
FORMATS = {
    "score": ".3g",
    "score_std": ".2g",
    "p_value": ".2g",
    "q_value": ".2g",
    "coverage": ".1%",
}


def ranking_section(ranking: pl.DataFrame, score: str, level: float) -> Section:
    """Draws the first features of each task.

    Args:
        ranking: The table that `rank` returns.
        score: What it is ordered by.
        level: Of `above_noise`.
    """
    parts = ranking.partition_by("task", maintain_order=True)
    band = "" if ranking["above_noise"].all() else BAND
    bent = BENT_TEXT if score in BENT else ""
    text = TEXT.format(sure=f"{1 - level:.0%}", band=band, bent=bent)
    return Section(
        name="ranking",
        title="Ranking",
        text=(text, COLUMNS_TEXT),
        drawings=tuple(_drawing(rows, score) for rows in parts),
        tables={"ranking": ranking},
        excerpts={
            f"{rows['task'][0]}: all features": rows.filter(~pl.col("is_control")).select(COLUMNS)
            for rows in parts
        },
        formats=FORMATS,
    )


def _drawing(rows: pl.DataFrame, score: str) -> Drawing:
    known = rows.filter(pl.col("score").is_not_null())
    features = known.filter(~pl.col("is_control"))
    strong, weak = features.filter("above_noise"), features.filter(~pl.col("above_noise"))
    shown = pl.concat([strong.head(MAX_STRONG), weak.head(max(MIN_WEAK, MAX_STRONG - len(strong)))])
    noise = known.filter(~pl.col("above_noise"))["score"]
    total = len(rows) - rows["is_control"].sum()
    title = f"{rows['task'][0]}: {len(strong):,} of {total:,} features are above noise"
    left_out = f"; {len(shown):,} are drawn" if len(shown) < total else ""
    return Drawing(title + left_out, score_chart(shown["feature"].to_list(), shown, noise, score))
