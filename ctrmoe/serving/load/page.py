"""The page of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ctrmoe.report import Drawing, Section, render_page
from ctrmoe.report.row_chart import Bars, Points, row_chart
from ctrmoe.report.scale import Scale

CELL = ("signature", "batch_size")
LATENCIES = ("p50_ms", "p95_ms", "p99_ms", "p99.9_ms", "max_ms")
FIGURES = ("requests", "failed", "requests_s", "rows_s", *LATENCIES)
FORMATS = {name: ",.0f" if name.endswith("_s") else ".2f" for name in FIGURES}
HOW_TO_READ = (
    "A latency begins when a request was due, so that requests that had to wait for their turn "
    "count their wait: a rate is kept whether or not the server keeps up.",
    "Warm-up requests are not counted. The load generator may run on the cores of the server: "
    "the same figures on a machine of its own are better, not worse.",
)


def load_page(measured: Sequence[Mapping[str, Any]], facts: Mapping[str, str]) -> str:
    """Returns the page, one file without the network.

    Args:
        measured: What `bench_serving` returns.
        facts: What was measured with what, by name.
    """
    targets = list(dict.fromkeys(row["target"] for row in measured))
    table = pl.DataFrame(
        [{name: row[name] for name in ("target", *CELL, *FIGURES)} for row in measured]
    )
    sections = [
        Section(
            "latency",
            "Latency and throughput",
            HOW_TO_READ,
            drawings=(Drawing("Of each load", _chart(measured, len(targets) > 1)),),
            excerpts={"All figures": table},
            formats=FORMATS,
        )
    ]
    if len(targets) == 2:
        text = (f"{targets[1]} by {targets[0]}: above 1, the second is slower or does more.",)
        excerpts = {"Ratios": comparison(measured)}
        sections.append(Section("comparison", "Comparison", text, excerpts=excerpts))
    return render_page("Load on a served model", facts, sections)


def comparison(measured: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Returns the ratios of the second target's figures to the first's, for each cell."""
    pairs = zip(measured[::2], measured[1::2], strict=True)
    return pl.DataFrame(
        [
            {name: first[name] for name in CELL}
            | {
                name: second[name] / first[name]
                for name in ("rows_s", "p50_ms", "p95_ms", "p99_ms")
            }
            for first, second in pairs
        ]
    )


def _chart(measured: Sequence[Mapping[str, Any]], with_target: bool) -> Any:
    names = [
        f"{row['signature']}, {row['batch_size']} rows"
        + (f", {row['target'].rpartition('/')[2]}" if with_target else "")
        for row in measured
    ]
    low, middle, high = ([row[name] for row in measured] for name in LATENCIES[:3])
    points = Points(
        "milliseconds: p50 to p99, the point is p95",
        Scale.around([0.0, *low, *high]),
        middle,
        low,
        high,
        styles=["strong"] * len(names),
    )
    rates = [row["rows_s"] for row in measured]
    bars = Bars("rows a second", rates, [f"{rate:,.0f}" for rate in rates])
    return row_chart(names, points, bars)
