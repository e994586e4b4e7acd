"""What `ctrmoe rank` prints of combinations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ctrmoe.ranking.combinations.table import member_columns
from ctrmoe.ranking.summary import task_table
from ctrmoe.schema import Schema

SHOWN = 10


def combination_announcement(schema: Schema, order: int, combinations: int, memory: int) -> str:
    """Says before the run how many combinations are counted within how much memory."""
    features = sum(not feature.is_list for feature in schema.features)
    total = math.comb(features, order)
    chosen = "" if total <= combinations else f"{combinations:,} of "
    return (
        f"{chosen}{total:,} combinations of {order} features: categories and counts take at most "
        f"{memory / 2**30:.2f} GiB; the rows are read again, several times if they need more."
    )


def combination_summary(pairs: pl.DataFrame, level: float) -> Group:
    """Shows the combinations of each task that tell most over their parts."""
    parts: list[Table | Text] = []
    for of_task in pairs.partition_by("task", maintain_order=True):
        task, found = of_task["task"][0], of_task.filter("synergy_above_noise")
        if found.height:
            parts.append(_table(task, found.sort("synergy", descending=True).head(SHOWN)))
        parts.append(
            Text(
                f"{task}: {found.height} of {of_task.height:,} combinations tell more than their "
                f"parts, none wrongly with a probability of {1 - level:.0%} (Holm)."
            )
        )
    return Group(*parts)


def addition_lines(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Names the features that add most to those that are given, and the order that was found."""
    lines = []
    for of_task in _by_task(tables.get("conditional")):
        first = ", ".join(of_task.filter("above_noise")["feature"].head(SHOWN)) or "none"
        lines.append(
            f"{of_task['task'][0]}: {of_task['above_noise'].sum()} of {of_task.height} features "
            f"add to {of_task['given'][0]}, most of all: {first}."
        )
    for of_task in _by_task(tables.get("forward")):
        steps = (f"{r['feature']} ({r['score']:.6f})" for r in of_task.iter_rows(named=True))
        lines.append(
            f"{of_task['task'][0]}: features that add to those before: {', '.join(steps)}."
        )
    return lines


def _by_task(table: pl.DataFrame | None) -> list[pl.DataFrame]:
    return [] if table is None else table.partition_by("task", maintain_order=True)


def _table(task: str, pairs: pl.DataFrame) -> Table:
    table = task_table(task)
    members = member_columns(sum(name.startswith("feature_") for name in pairs.columns))
    table.add_column("combination", overflow="fold")
    for name in ("synergy", "±", "p", "score", "rank", "cardinality"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in pairs.iter_rows(named=True):
        table.add_row(
            Text(" × ".join(row[name] for name in members)),
            f"{row['synergy']:.6f}",
            f"{row['synergy_std']:.6f}",
            f"{row['synergy_p_value']:.1e}",
            f"{row['score']:.6f}",
            f"{row['rank']:,}",
            f"{row['cardinality']:,}",
        )
    return table
