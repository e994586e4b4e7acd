"""The parts of a page that say what is wrong with a table."""

from __future__ import annotations

from collections import Counter

import polars as pl

from ctrmoe.ranking.quality.finding import SEVERITIES
from ctrmoe.report.section import Section

TEXT = (
    "The most severe first. An error or a warning passes a limit of the schema's [limits], a note "
    "passes none; value is what was measured and limit what it was compared with, in the unit of "
    "the message, which says how to mend it."
)
NOTHING = "No check found anything."
COLUMNS_TEXT = (
    "A row for each column of each table. Coverage is the share of rows with a value; distinct "
    "the number of different values, exact or by HyperLogLog with the relative standard error "
    "beside it; rare share that of the rows whose value comes in fewer than five rows; p01 to p99 "
    "are quantiles of numbers; psi and jensen shannon (bits) are drift from the first table; auc "
    "is that of the column alone."
)


def findings_section(findings: pl.DataFrame) -> Section:
    """Lists findings by their severity.

    Args:
        findings: The table `findings.csv`.
    """
    order = pl.col("severity").replace_strict({s: i for i, s in enumerate(SEVERITIES)})
    ordered = findings.sort(order, maintain_order=True).select(
        "severity", "message", pl.exclude("severity", "message")
    )
    counts = Counter(ordered["severity"])
    told = ", ".join(f"{counts[s]:,} {s}{'s' * (counts[s] > 1)}" for s in SEVERITIES if counts[s])
    return Section(
        name="findings",
        title=f"Data quality: {told or 'nothing found'}",
        text=(TEXT if findings.height else NOTHING,),
        excerpts={"Findings": ordered} if findings.height else {},
        formats={"value": ".4g", "limit": ".4g"},
    )


def statistics_section(statistics: pl.DataFrame) -> Section:
    """Lists what the columns hold.

    Args:
        statistics: The table `statistics.parquet`.
    """
    shares = ("coverage", "most_frequent_share", "rare_share")
    return Section(
        name="columns",
        title="Columns",
        text=(COLUMNS_TEXT,),
        excerpts={"Columns": statistics},
        formats={
            name: ".1%" if name in shares else ".4g"
            for name, dtype in statistics.schema.items()
            if dtype.is_float()
        },
    )
