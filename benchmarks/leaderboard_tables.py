"""Turns what `leaderboard.py` has measured into one table and a document."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from leaderboard_sets import SETS

FIGURES = ("auc", "gauc", "logloss", "ece")
FEW_ROWS = 2_000


def figures_table(cells: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Returns a row for each model, data set and task: medians over the seeds, least and largest.

    Args:
        cells: `set`, `model`, `runs`, `rows`, `speeds` and `tuned` of each cell.
    """
    rows = [_row(cell, task) for cell in cells for task in cell["runs"][0]["tasks"]]
    order = pl.col("set").replace_strict({name: i for i, name in enumerate(SETS)}, return_dtype=int)
    return pl.DataFrame(rows, infer_schema_length=None).sort(
        order, "task", "auc", descending=[False, False, True]
    )


def _row(cell: Mapping[str, Any], task: str) -> dict[str, Any]:
    runs = cell["runs"]
    row: dict[str, Any] = {"set": cell["set"], "task": task, "model": cell["model"]}
    row["seeds"] = len(runs)
    for figure in FIGURES:
        values = [run["tasks"][task][figure] for run in runs]
        known = [value for value in values if value is not None]
        row[figure] = statistics.median(known) if known else None
        row[f"{figure}_min"] = min(known, default=None)
        row[f"{figure}_max"] = max(known, default=None)
    row["valid_auc"] = statistics.median(run["valid"][f"valid_{task}_auc"] for run in runs)
    row["best_epochs"] = " ".join(str(run["best_epoch"]) for run in runs)
    row["parameters"] = runs[0]["parameters"]
    row["peak_mb"] = max(run["peak_mb"] for run in runs)
    for name in ("train_rows_s", "score_rows_s"):
        row[name] = cell["speeds"].get(name)
    return row | cell["tuned"]


def document(table: pl.DataFrame, cells: Sequence[Mapping[str, Any]], protocol: str) -> str:
    """Returns the whole document.

    Args:
        table: Of `figures_table`.
        cells: The cells it was made of.
        protocol: How the figures came about.
    """
    rows = {cell["set"]: cell["rows"] for cell in cells}
    parts = [
        "# Leaderboard",
        "Every named model of one domain on the same data with the same budget of tuning. Written "
        "by `leaderboard.py`; median over the seeds on the test part, in brackets the least and "
        "the largest. LightGBM on two of the data sets: [boosted_trees](results/boosted_trees.md).",
        targets_table(table),
    ]
    for name in dict.fromkeys(table["set"]):
        own = table.filter(set=name)
        parts.append(f"## {SETS[name].title}")
        counts = ", ".join(f"{part} {count:,}" for part, count in rows[name].items())
        parts.append(f"Rows: {counts}. Models: {own['model'].n_unique()}.{_few(rows[name])}")
        for task in dict.fromkeys(own["task"]):
            several = own["task"].n_unique() > 1
            parts += [f"### `{task}`"] if several else []
            parts.append(task_table(own.filter(task=task)))
        parts += ["What was found by tuning, and what it took:", cost_table(own, cells)]
    return "\n\n".join([*parts, "## How it was made", protocol, made_of(cells)]) + "\n"


def _few(rows: Mapping[str, int]) -> str:
    """What to think of figures of a small test part."""
    if rows["test"] >= FEW_ROWS:
        return ""
    return (
        " With so few test rows an AUC has a standard error of about 0.02: the order says little."
    )


def targets_table(table: pl.DataFrame) -> str:
    """The best model of each data set and task, beside what it was to reach."""
    lines = ["| data set | task | best model | test AUC | target |", "|---|---|---|---:|---:|"]
    for (name, task), own in table.group_by("set", "task", maintain_order=True):
        best = own.row(0, named=True)
        target = SETS[str(name)].targets.get(str(task))
        wanted = "-" if target is None else f"{target:.3f}, {_met(best['auc'] >= target)}"
        auc = _spread(best, "auc")
        lines.append(f"| {SETS[str(name)].title} | `{task}` | {best['model']} | {auc} | {wanted} |")
    return "\n".join(lines)


def _met(reached: bool) -> str:
    return "met" if reached else "missed"


def task_table(own: pl.DataFrame) -> str:
    """The figures of one task, the best model first."""
    figures = [figure for figure in FIGURES if own[figure].count()]
    heads = ["model", *(f"test {figure}" for figure in figures), "validation auc"]
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for row in own.iter_rows(named=True):
        cells = [_spread(row, figure) for figure in figures]
        lines.append(_line([row["model"], *cells, f"{row['valid_auc']:.4f}"]))
    return "\n".join(lines)


def cost_table(own: pl.DataFrame, cells: Sequence[Mapping[str, Any]]) -> str:
    """Parameters, speed, memory and the tuned values of each model."""
    keys = list(cells[0]["tuned"])
    heads = [
        "model", "parameters", "training, rows/s", "scoring, rows/s", "peak memory, MB",
        "best epochs", *(f"`{key}`" for key in keys),
    ]  # fmt: skip
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for row in own.unique("model", maintain_order=True).iter_rows(named=True):
        numbers = [row["parameters"], row["train_rows_s"], row["score_rows_s"], row["peak_mb"]]
        shown = ["-" if number is None else f"{number:,.0f}" for number in numbers]
        tuned = [f"{row[key]:.2g}" for key in keys]
        lines.append(_line([row["model"], *shown, row["best_epochs"], *tuned]))
    return "\n".join(lines)


def _line(words: Sequence[str]) -> str:
    return "| " + " | ".join(words) + " |"


def _spread(row: Mapping[str, Any], figure: str) -> str:
    low, high = row[f"{figure}_min"], row[f"{figure}_max"]
    return f"{row[figure]:.4f} [{low:.4f} – {high:.4f}]"


def made_of(cells: Sequence[Mapping[str, Any]]) -> str:
    """Machines, versions and data, of the manifests of all runs."""
    runs = [(cell["set"], run) for cell in cells for run in cell["runs"]]
    packages = {f"{name} {v}" for _, run in runs for name, v in run["packages"].items()}
    commits = {str(run["git_sha"])[:12] for _, run in runs}
    machines = {run["machine"] for _, run in runs}
    data = dict.fromkeys(f"{name} {run['data'][:12]}" for name, run in runs)
    return (
        f"Machine: {'; '.join(sorted(machines))}. {', '.join(sorted(packages))}. "
        f"Commits: {', '.join(sorted(commits))}. Prepared data (first digits of the SHA-256 in "
        f"`manifest.json`): {', '.join(data)}."
    )
