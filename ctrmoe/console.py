"""What commands show while they work and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
from rich import box
from rich.console import Console, Group
from rich.progress import (
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # loading the second one loads TensorFlow
    from ctrmoe.calibration import Calibration
    from ctrmoe.ranking.quality.finding import Finding
    from ctrmoe.tuning.results import TrialResult

COMPACT: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0), "pad_edge": False}
FIGURES = {"auc": 4, "gauc": 4, "logloss": 4, "ne": 4, "ece": 4, "pcoc": 3}


class _Rows(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        total = f" of {task.total:,.0f}" if task.total else ""
        unit = task.fields.get("unit", "rows")
        return Text(f"{task.description} {task.completed:,.0f}{total} {unit}")


class _Rate(TextColumn):
    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit", "rows")
        return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else "")


@contextmanager
def rows_progress(what: str) -> Iterator[Callable[[int], None]]:
    """Shows on stderr how many rows a command has done; yields the function that adds some."""
    with _progress() as progress:
        task = progress.add_task(what, total=None)
        yield lambda rows: progress.advance(task, rows)


@contextmanager
def rows_left_progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Shows rows and the time left; yields the function that adds some and tells the total."""
    with _progress(TimeRemainingColumn(elapsed_when_finished=True), TextColumn("left")) as progress:
        task = progress.add_task(what, total=None)
        yield lambda rows, total: progress.update(task, advance=rows, total=total)


@contextmanager
def ranking_progress() -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Shows on stderr how many rows and combinations are done; yields what adds some of either."""
    with _progress() as progress:
        rows = progress.add_task("rank", total=None)
        combinations = progress.add_task("rank", total=None, unit="combinations", visible=False)

        def count(number: int) -> None:
            progress.update(combinations, advance=number, visible=True)

        yield lambda number: progress.advance(rows, number), count


@contextmanager
def stage_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Shows on stderr how far each stage is; yields the function that takes stage, rows, total."""
    with _progress() as progress:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, rows: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=rows)

        yield show


def _progress(*more: ProgressColumn) -> Progress:
    columns = (
        SpinnerColumn(),
        _Rows(),
        _Rate(),
        TimeElapsedColumn(),
        *more,
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def metrics_tables(report: pl.DataFrame) -> Group:
    """Shows `Evaluator.report()`: a table for each task, a line for each domain."""
    figures = {name: digits for name, digits in FIGURES.items() if report[name].count()}
    tasks = report["task"].unique(maintain_order=True)
    return Group(*(_task_table(task, report.filter(task=task), figures) for task in tasks))


def _task_table(task: str, report: pl.DataFrame, figures: dict[str, int]) -> Table:
    table = Table(title=Text(task, "bold"), title_justify="left", **COMPACT)
    table.add_column("domain", overflow="fold")
    for name in ("rows", "positives", *figures):
        # On a narrow terminal the domains fold, never the numbers.
        table.add_column(name, justify="right", no_wrap=True, min_width=max(len(name), 6))
    for row in report.iter_rows(named=True):
        whole = row["domain"] is None
        table.add_row(
            "all" if whole else Text(row["domain"]),
            f"{row['rows']:,}",
            f"{row['positives']:,}",
            *(_number(row[name], digits) for name, digits in figures.items()),
            style="bold" if whole else "",
        )
    return table


def calibration_table(calibration: Calibration) -> Table:
    """Shows the figures of each task before and after a calibration."""
    names = ("logloss", "ece", "pcoc")
    table = Table("task", "rows", "own maps", *names, **COMPACT)
    for task, fitted in calibration.fitted["tasks"].items():
        pairs = [(fitted["before"][name], fitted["after"][name]) for name in names]
        table.add_row(
            Text(task),
            f"{fitted['rows']:,}",
            f"{len(calibration.domains.get(task, ()))}",
            *(f"{_number(before, 4)} → {_number(after, 4)}" for before, after in pairs),
        )
    return table


def accuracy_table(accuracy: Mapping[str, Any]) -> Table:
    """Shows what the rounding of an export costs each task."""
    table = Table("task", "rows", "auc", "logloss", **COMPACT)
    for task, of in accuracy["tasks"].items():
        pairs = [(of[f"{name}_before"], of[f"{name}_after"]) for name in ("auc", "logloss")]
        shown = (f"{_number(before, 6)} → {_number(after, 6)}" for before, after in pairs)
        table.add_row(Text(task), f"{accuracy['rows']:,}", *shown)
    return table


def findings_table(findings: Sequence[Finding]) -> Table | str:
    """Shows what `ctrmoe check` found, the most severe first."""
    if not findings:
        return "Nothing found."
    table = Table("severity", "check", "value", "limit", "what", **COMPACT)
    # A name of a file stays whole, and so does what follows it.
    table.columns[-1].overflow = "fold"
    for finding in findings:
        figures = (finding.value, finding.limit)
        table.add_row(
            Text(finding.severity, "" if finding.severity == "note" else "bold"),
            finding.check,
            *("-" if figure is None else f"{figure:.4g}" for figure in figures),
            Text(finding.message),
        )
    return table


def frame_table(frame: pl.DataFrame) -> Table:
    """Shows a few rows of a table."""
    table = Table(*frame.columns, **COMPACT)
    for row in frame.iter_rows():
        table.add_row(*(f"{v:.6f}" if isinstance(v, float) else str(v) for v in row))
    return table


def trial_line(trial: TrialResult, best: TrialResult | None, trials: int) -> str:
    """Shows what became of a trial of a search: numbers from 0, as in its tables."""
    figure = "" if trial.value is None else f" {trial.value:.4f}"
    reason = f" ({trial.reason})" if trial.reason else ""
    values = ", ".join(f"{key}={_value(value)}" for key, value in trial.parameters.items())
    ahead = f"; best {best.value:.4f}, trial {best.number}" if best else ""
    return (
        f"trial {trial.number} (of {trials}) {trial.state}{figure}{reason}, {trial.epochs} epochs, "
        f"{trial.seconds:.1f} s: {values}{ahead}"
    )


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
