"""Label rates by the values of the first features."""

from __future__ import annotations

import polars as pl

from ctrmoe.report.row_chart import Bars, Points, row_chart
from ctrmoe.report.scale import Scale
from ctrmoe.report.section import Drawing, Section

TEXT = (
    "The label rate, positives over rows, among the rows of each value, with Wilson's 95 % "
    "interval; the dashed line is the rate of all rows that have a label. The bars count these "
    "rows. Of a category the most frequent values are shown one by one, the others together; a "
    "number is divided into bins of about equal counts, from the least number of a bin to its "
    "greatest. A row of a list counts for each of its values.",
)
FORMATS = {name: ".4f" for name in ("label_rate", "label_rate_low", "label_rate_high")}


def distributions_section(distributions: pl.DataFrame) -> Section:
    """Draws the distribution of each feature that the table has.

    Args:
        distributions: The table that `distributions` returns.
    """
    parts = distributions.partition_by("task", "feature", maintain_order=True)
    return Section(
        name="distributions",
        title="Distributions by label",
        text=TEXT,
        drawings=tuple(_drawing(rows) for rows in parts),
        tables={"distributions": distributions},
        excerpts={"All of these values": distributions.drop("overall_rate")},
        formats=FORMATS,
    )


def _drawing(rows: pl.DataFrame) -> Drawing:
    task, feature = rows["task"][0], rows["feature"][0]
    ends = rows["label_rate_low"].to_list() + rows["label_rate_high"].to_list()
    rates = Points(
        f"rate of {task}",
        Scale.around([*ends, rows["overall_rate"][0]]),
        rows["label_rate"].to_list(),
        rows["label_rate_low"].to_list(),
        rows["label_rate_high"].to_list(),
        ["strong"] * len(rows),
        references={"all rows": rows["overall_rate"][0]},
    )
    counts = Bars("rows", rows["rows"].to_list(), [f"{count:,}" for count in rows["rows"]])
    chart = row_chart(rows["value"].to_list(), rates, counts)
    return Drawing(f"{feature} and {task}", chart, is_small=True)
