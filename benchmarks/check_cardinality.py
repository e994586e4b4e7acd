"""Distinct values that `ctrmoe check` reports for 8 and 12 million, from parquet on disk.

A column of text and one of whole numbers, each with so many distinct values; a fifth of the rows
repeats earlier ones. The rows come in two files and in no order.

    python benchmarks/check_cardinality.py                      # 8 and 12 million: two minutes
    python benchmarks/check_cardinality.py --distinct 1000000   # ten seconds
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import clocks
import numpy as np
import polars as pl

from ctrmoe.ranking.quality import check
from ctrmoe.schema import Feature, Schema, Task

RESULT = Path(__file__).parent / "results" / "check_cardinality.md"
TOLERANCE = 0.02
SCHEMA = Schema(
    name="cardinality",
    tasks=(Task(name="click"),),
    features=tuple(Feature(name=name, kind="categorical") for name in ("text", "number")),
)


def write_files(folder: Path, distinct: int, seed: int) -> int:
    """Writes the two files and returns the number of their rows."""
    folder.mkdir()
    random = np.random.default_rng(seed)
    ids = np.concatenate([np.arange(distinct), np.arange(distinct // 4)])
    random.shuffle(ids)
    for number, part in enumerate(np.array_split(ids, 2)):
        pl.DataFrame(
            {
                "number": part,
                "text": pl.Series(part.astype(np.uint64) * 0x9E3779B97F4A7C15).cast(pl.String),
                "click": random.integers(0, 2, len(part), np.int8),
            }
        ).write_parquet(folder / f"part-{number}.parquet", row_group_size=250_000)
    return len(ids)


def measure(folder: Path, distinct: int, seed: int) -> list[str]:
    """Returns a line of the table for each column."""
    rows = write_files(folder, distinct, seed)
    with clocks.stopwatch() as times:
        report = check(folder, SCHEMA)
    lines = []
    for column in report.statistics.iter_rows(named=True):
        error = column["distinct"] / distinct - 1
        lines.append(
            f"| {column['column']} | {rows:,} | {distinct:,} | {column['distinct']:,} | "
            f"{error:+.2%} | {column['distinct_error']:.2%} | {rows / times['wall']:,.0f} |"
        )
        print(lines[-1], flush=True)
        if abs(error) > TOLERANCE:
            sys.exit(f"The error must be within {TOLERANCE:.0%}. Received: {error:+.2%}.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--distinct", type=int, nargs="+", default=[8_000_000, 12_000_000])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record", action="store_true", help="write the table to results/")
    args = parser.parse_args()

    lines = []
    with tempfile.TemporaryDirectory() as name:
        for distinct in args.distinct:
            lines += measure(Path(name, str(distinct)), distinct, args.seed)
    versions = ", ".join(f"{name} {version(name)}" for name in ("datasketches", "polars", "numpy"))
    text = "\n".join(
        [
            "# Cardinality in `ctrmoe check`",
            "",
            f"`python benchmarks/check_cardinality.py --record`, {clocks.machine()}, {versions}; "
            f"peak memory {clocks.peak_gb():.2f} GB, writing the files included; 1-minute load "
            f"{os.getloadavg()[0]:.1f}.",
            "",
            "| column | rows | distinct | reported | error | stated standard error | rows/s |",
            "|---|---:|---:|---:|---:|---:|---:|",
            *lines,
            "",
        ]
    )
    print(text)
    if args.record:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
