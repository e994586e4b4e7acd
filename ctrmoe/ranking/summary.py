"""What `ctrmoe rank` prints."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ctrmoe.ranking.controls import LABELS
from ctrmoe.ranking.ranker import Ranker

SHOWN = 10


def announcement(ranker: Ranker) -> str:
    """Says before the run how much memory the counts may take."""
    features, tasks = len(ranker.schema.features), len(ranker.schema.tasks)
    controls = f", {len(ranker.controls)} controls" if ranker.controls else ""
    return (
        f"Counts take at most {ranker.memory / 2**30:.2f} GiB: {features:,} "
        f"feature{'s' * (features > 1)}{controls}, "
        f"{tasks} task{'s' * (tasks > 1)}, {ranker.max_values:,} values each. A feature with more "
        "values is counted in as many buckets."
        + "".join(
            f" By {part.parts.kind} ({len(part.parts):,}): {part.max_values:,} values each."
            for part in ranker.breakdowns
        )
        + (f" The score is that of {ranker.sampled.rows:,} rows at most." if ranker.sampled else "")
    )


def summary(ranking: pl.DataFrame, level: float) -> Group:
    """Shows the first features of each task, how many are above noise, and where controls lie."""
    parts: list[Table | Text] = []
    for task in ranking["task"].unique(maintain_order=True):
        of_task = ranking.filter(task=task)
        features, controls = (of_task.filter(pl.col("is_control") == c) for c in (False, True))
        parts += [_table(task, of_task.head(SHOWN)), Text(_closing(task, features, level))]
        if controls.height:
            parts.append(Text(_of_controls(features, controls)))
    return Group(*parts)


def differences(tables: Mapping[str, pl.DataFrame], level: float) -> list[str]:
    """Names the features that tell more in some domains, or at some times, than in others."""
    lines = []
    for name, kind in (("heterogeneity", "domains"), ("stability", "time slices")):
        for task in (
            tables[name].partition_by("task", maintain_order=True) if name in tables else ()
        ):
            found = task.filter("differs")
            first = ", ".join(found["feature"].head(SHOWN)) or "none"
            lines.append(
                f"{task['task'][0]}: {found.height} of {task.height} features differ between "
                f"{kind} at a false-discovery rate of {level:.0%}, most of all: {first}."
            )
    return lines


def _closing(task: str, features: pl.DataFrame, level: float) -> str:
    discoveries = features.filter(pl.col("q_value") <= level).height
    buckets = features.filter(~pl.col("cardinality_is_exact")).height
    return (
        f"{task}: {features['above_noise'].sum()} of {features.height} features are above noise, "
        f"none wrongly with a probability of {1 - level:.0%} (Holm); {discoveries} at a "
        f"false-discovery rate of {level:.0%} (Benjamini-Hochberg)."
        + (f" {buckets} had too many values to count one by one." if buckets else "")
    )


def _of_controls(features: pl.DataFrame, controls: pl.DataFrame) -> str:
    noise = controls.filter(~pl.col("feature").is_in(LABELS))
    best = noise.row(0, named=True)
    before = features.filter(pl.col("rank") < best["rank"]).height
    p_value = _number(best["p_value"], ".1e")
    return (
        f"{before} of {features.height} features rank before the first control of noise "
        f"({best['feature']}, rank {best['rank']}, p {p_value}); {noise['above_noise'].sum()} of "
        f"{noise.height} controls of noise are above noise."
    )


def task_table(task: str) -> Table:
    """Returns a table without columns under the name of a task."""
    return Table(
        title=Text(task, "bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )


def _table(task: str, ranking: pl.DataFrame) -> Table:
    table = task_table(task)
    table.add_column("rank", justify="right")
    table.add_column("feature", overflow="fold")
    for name in ("score", "±", "p", "AUC", "cardinality", "coverage"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranking.iter_rows(named=True):
        table.add_row(
            str(row["rank"]),
            Text(row["feature"]),
            _number(row["score"], ".6f"),
            _number(row["score_std"], ".6f"),
            _number(row["p_value"], ".1e"),
            _number(row["auc"], ".4f"),
            f"{row['cardinality']:,}",
            f"{row['coverage']:.1%}",
            style="" if row["above_noise"] else "dim",
        )
    return table


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
