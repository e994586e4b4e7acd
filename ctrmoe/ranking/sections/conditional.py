"""What features add to others that are known."""

from __future__ import annotations

import polars as pl

from ctrmoe.ranking.sections.ranking import FORMATS, MAX_STRONG, MIN_WEAK
from ctrmoe.ranking.sections.score_chart import BENT_TEXT, score_chart
from ctrmoe.report.section import Drawing, Section

HEADING = "mutual information above chance where the others are known, in nats"
TEXT = (
    "The score of a feature is what it tells about the label of rows that have the same values of "
    "the features that are given: its mutual information with the label in such a stratum, less "
    "what it has with the labels of the stratum shuffled, in nats. Points and 95 % intervals are "
    "as in the ranking: filled blue ones are above noise, by the family p value, Holm's "
    "probability of any false one. Where there are so many strata that each holds few rows, "
    "nothing is above noise. Where rare combinations of about the same label rate share strata, "
    "what the given features tell beyond these (strata_loss) is taken off." + BENT_TEXT
)
FORWARD_TEXT = (
    "Step by step the feature is added that tells most where those before it are known, until none "
    "is above noise: the point is what it added."
)


def conditional_section(
    conditional: pl.DataFrame | None = None, forward: pl.DataFrame | None = None
) -> Section:
    """Draws what features add to those that are given, and the steps of a forward selection.

    Args:
        conditional: A row for each task and feature that was not given.
        forward: A row for each task and step.
    """
    drawings: list[Drawing] = []
    tables: dict[str, pl.DataFrame] = {}
    excerpts: dict[str, pl.DataFrame] = {}
    if conditional is not None:
        tables["conditional"] = excerpts["All features that are not given"] = conditional
        drawings += map(_given, conditional.partition_by("task", maintain_order=True))
    if forward is not None:
        tables["forward"] = excerpts["Steps of the forward selection"] = forward
        drawings += map(_steps, forward.partition_by("task", maintain_order=True))
    return Section(
        name="conditional",
        title="Beyond other features",
        text=(TEXT, *[FORWARD_TEXT] * (forward is not None)),
        drawings=tuple(drawings),
        tables=tables,
        excerpts=excerpts,
        formats={**FORMATS, "family_p_value": ".2g"},
    )


def _given(rows: pl.DataFrame) -> Drawing:
    strong, weak = rows.filter("above_noise"), rows.filter(~pl.col("above_noise"))
    shown = pl.concat([strong.head(MAX_STRONG), weak.head(max(MIN_WEAK, MAX_STRONG - len(strong)))])
    given = ", ".join(rows["given"][0].split(","))
    title = f"{rows['task'][0]}: {len(strong):,} of {len(rows):,} features add to {given}"
    names = shown["feature"].to_list()
    return Drawing(title, score_chart(names, shown, weak["score"], "corrected_mi", HEADING))


def _steps(rows: pl.DataFrame) -> Drawing:
    names = [f"{step}. {feature}" for step, feature in rows.select("step", "feature").iter_rows()]
    drawn = rows.with_columns(above_noise=True)
    chart = score_chart(names, drawn, pl.Series([], dtype=pl.Float64), "corrected_mi", HEADING)
    return Drawing(f"{rows['task'][0]}: steps of the forward selection", chart)
