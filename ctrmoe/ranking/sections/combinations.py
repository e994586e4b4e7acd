"""What features tell together."""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from ctrmoe.ranking.sections.matrix import matrix_of, symmetric
from ctrmoe.ranking.sections.ranking import FORMATS as SINGLE
from ctrmoe.ranking.sections.score_chart import BENT_TEXT, score_chart
from ctrmoe.report.heatmap import heatmap
from ctrmoe.report.section import Drawing, Section

MAX_LINES, MAX_FEATURES = 20, 20
TEXT = (
    "Synergy, in nats, is what the values of a combination tell about the label beyond the sum of "
    "the effects of its features on the log odds: 0 where each acts by itself, however strongly, "
    "and where one is a copy of another. Points with 95 % intervals: filled blue ones are above "
    "noise, not one of them wrongly with a probability of {sure} (Holm's method); the grey band "
    "holds nine in ten of the others." + BENT_TEXT,
    "The score in the tables is the mutual information of the joint value with the label above "
    "chance, in nats: what the features tell together, their single effects included. Other "
    "columns are those of the ranking, of the joint value.",
)
HEATMAP_TEXT = (
    "The heatmap has the synergy of every pair of the features that come first there; a pair that "
    "was not counted has no cell."
)
FORMATS = SINGLE | {"synergy": ".3g", "synergy_std": ".2g", "synergy_p_value": ".2g"}


def combinations_section(pairs: pl.DataFrame, level: float) -> Section:
    """Draws the combinations that tell most over their parts.

    Args:
        pairs: The table `pairs`, of combinations of any order.
        level: Of `synergy_above_noise`.
    """
    drawings: list[Drawing] = []
    for rows in pairs.partition_by("task", maintain_order=True):
        order = ["synergy_above_noise", "synergy"]
        drawings += _drawings(rows.sort(order, descending=True, maintain_order=True))
    in_pairs = len(_members(pairs)) == 2
    return Section(
        name="combinations",
        title="Pairs" if in_pairs else "Combinations",
        text=(TEXT[0].format(sure=f"{1 - level:.0%}"), TEXT[1], *[HEATMAP_TEXT] * in_pairs),
        drawings=tuple(drawings),
        tables={"pairs": pairs},
        excerpts={
            f"{rows['task'][0]}: all that were counted": rows.drop("task", "rows", strict=False)
            for rows in pairs.partition_by("task", maintain_order=True)
        },
        formats=FORMATS,
    )


def _members(pairs: pl.DataFrame) -> list[str]:
    return [name for name in pairs.columns if name.startswith("feature_")]


def _drawings(rows: pl.DataFrame) -> list[Drawing]:
    task, members = rows["task"][0], _members(rows)
    found = rows["synergy_above_noise"].sum()
    shown = rows.head(MAX_LINES).select(
        *members,
        pl.col("synergy").alias("score"),
        pl.col("synergy_std").alias("score_std"),
        pl.col("synergy_above_noise").alias("above_noise"),
    )
    noise = rows.filter(~pl.col("synergy_above_noise"))["synergy"]
    names = [" × ".join(parts) for parts in shown.select(members).iter_rows()]
    chart = score_chart(names, shown, noise, "mi", "synergy, in nats")
    title = f"{task}: {found:,} of {len(rows):,} combinations tell more than their parts"
    drawings = [Drawing(title, chart)]
    if len(members) == 2:
        drawings.append(Drawing(f"{task}: synergy of pairs", _heatmap(rows, members)))
    return drawings


def _heatmap(rows: pl.DataFrame, members: list[str]) -> Markup:
    named = (name for pair in rows.select(members).iter_rows() for name in pair)
    features = list(dict.fromkeys(named))[:MAX_FEATURES]
    cells = rows.select(*members, "synergy").iter_rows()
    matrix = symmetric(matrix_of(cells, features, features))
    return heatmap(matrix, features, features, "synergy, in nats")
