"""What commands show while they work and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

FIGURES = {"auc": 4, "gauc": 4, "logloss": 4, "ne": 4, "ece": 4, "pcoc": 3}


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


@contextmanager
def rows_progress(what: str) -> Iterator[Callable[[int], None]]:
    """Shows on stderr how many rows a command has done; yields the function that adds some."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f} rows"),
        _Rate(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda rows: progress.advance(task, rows)


def metrics_table(report: pl.DataFrame) -> Table:
    """Shows `Evaluator.report()`: one line for each domain and task, the whole first."""
    table = Table()
    for name in ("domain", "task", "rows", "positives", *FIGURES):
        table.add_column(name, justify="left" if name in ("domain", "task") else "right")
    for row in report.iter_rows(named=True):
        whole = row["domain"] is None
        table.add_row(
            "all" if whole else Text(row["domain"]),
            Text(row["task"]),
            f"{row['rows']:,}",
            f"{row['positives']:,}",
            *(_number(row[name], digits) for name, digits in FIGURES.items()),
            style="bold" if whole else "",
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
