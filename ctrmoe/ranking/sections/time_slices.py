"""How steady the features are over time."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from ctrmoe.ranking.sections.domains import (
    COLUMNS_TEXT,
    DIFFERS_TEXT,
    EFFECT_TEXT,
    FORMATS,
    effects_drawing,
)
from ctrmoe.report.row_chart import Points, row_chart
from ctrmoe.report.scale import Scale
from ctrmoe.report.section import Drawing, Section

TIMES = (1e8, 1e10)
"""Numbers between these are seconds since 1970, of the years 1973 to 2286."""
TEXT = (
    "The rows are divided by time into slices of about equally many. Kendall's tau compares the "
    "scores of a slice with those of the one before, of features above noise in any slice: 1 is "
    "the same order, 0 none in common.",
    "Trend is by how much the effect grows from a slice to the next, with its standard error; rank "
    "mean, std, min and max are of the feature's ranks in the slices.",
)
SLICE_COLUMNS = ("slice", "first_time", "last_time", "rows", "positives", "kendall")


def time_slices_section(by_time: pl.DataFrame, stability: pl.DataFrame) -> Section:
    """Draws the effects of features over time, and how alike the rankings of the slices are.

    Args:
        by_time: The ranking by slice.
        stability: What differs between the slices.
    """
    drawings: list[Drawing] = []
    slices: dict[str, pl.DataFrame] = {}
    for rows in by_time.partition_by("task", maintain_order=True):
        task = rows["task"][0]
        slices[f"{task}: slices"] = rows.select(SLICE_COLUMNS).unique(maintain_order=True)
        named = rows.with_columns(name=pl.Series(_names(rows)))
        drawings += [
            effects_drawing(named, stability, "name", "slices"),
            _agreement(task, slices[f"{task}: slices"]),
        ]
    return Section(
        name="time",
        title="Stability over time",
        text=(
            TEXT[0],
            EFFECT_TEXT.format(kind="slice"),
            DIFFERS_TEXT.format(kind="slice", more=""),
            f"{COLUMNS_TEXT.format(kind='slice')} {TEXT[1]}",
        ),
        drawings=tuple(drawings),
        tables={"by_time": by_time, "stability": stability},
        excerpts={**slices, "Features that differ": stability},
        formats={**FORMATS, "trend": ".2g", "trend_std": ".2g", "trend_p_value": ".2g",
                 "trend_q_value": ".2g", "rank_mean": ".1f", "rank_std": ".1f",
                 "first_time": ".10g", "last_time": ".10g"},
    )  # fmt: skip


def _names(rows: pl.DataFrame) -> list[str]:
    """Numbers the slices, with the time they start at."""
    pairs = zip(rows["slice"], rows["first_time"], strict=True)
    return [f"{number}: {_time(start)}" for number, start in pairs]


def _time(value: float) -> str:
    if TIMES[0] <= value < TIMES[1]:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    return f"{value:.10g}"


def _agreement(task: str, slices: pl.DataFrame) -> Drawing:
    known = slices.drop_nulls("kendall")
    tau = known["kendall"].to_list()
    points = Points(
        "Kendall's tau with the slice before",
        Scale.around([0.0, 1.0, *tau]),
        tau, tau, tau,
        ["strong"] * len(tau),
        references={"no order in common": 0.0},
    )  # fmt: skip
    return Drawing(f"{task}: how alike neighbouring slices rank", row_chart(_names(known), points))
