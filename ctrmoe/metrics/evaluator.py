"""Streaming evaluation that gives the same figures as the whole table at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ctrmoe.metrics._figures import REPORT_COLUMNS, json_figures, report_figures
from ctrmoe.metrics._inputs import Labels, Scores, as_labels, as_scores, check_lengths
from ctrmoe.metrics._values import as_categories
from ctrmoe.schema import UNLABELLED

# Small batches are joined now and then: a frame of a few rows costs far more than its rows.
_MAX_PENDING = 256


class Evaluator:
    """Gathers labels and logits batch by batch and computes exact figures at the end.

    Nothing is binned or sampled: every row is kept, a float32 logit and a bit for the label of
    each task and four bytes each for its domain and group, so the figures of any split into
    batches are those of the whole. Each distinct domain and group is kept once. It pickles:
    workers can evaluate parts, and `merge` joins them.

    Args:
        tasks: Names of the tasks.

    Raises:
        ValueError: If there is no task or a name is repeated.

    Example:
        >>> evaluator = Evaluator(["click"])
        >>> evaluator.update({"click": [0, 1]}, {"click": [-1.0, 2.0]}, domains=["app", "web"])
        >>> evaluator.result()["tasks"]["click"]["auc"]
        1.0
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        if isinstance(tasks, str) or not tasks or len(set(tasks)) < len(tasks):
            raise ValueError(
                f"`tasks` must list one or more different names. Received: tasks={tasks!r}."
            )
        self.tasks = tuple(tasks)
        self._joined: list[pl.DataFrame] = []
        self._pending: list[pl.DataFrame] = []

    def update(
        self,
        labels: Mapping[str, ArrayLike],
        logits: Mapping[str, ArrayLike],
        domains: Any = None,
        groups: Any = None,
    ) -> None:
        """Adds a batch; on an error nothing of it is added.

        Args:
            labels: 0 or 1 of each task, `[B]`, -1 where a row has no label and does not count
                for the task; other keys are left alone.
            logits: Logits of each task, `[B]`; other keys are left alone.
            domains: Raw domain of each row, `[B]`: NumPy, pyarrow, polars, pandas or a list, of
                any type, null where missing. Values of equal text are one domain.
            groups: Raw value of each row's GAUC group, `[B]`, in the same forms.

        Raises:
            ValueError: If a task is absent, a label is not 0 or 1, a logit is NaN, the lengths
                differ, or domains or groups come in some batches only.
            TypeError: If domains or groups are not plain values.
        """
        columns: dict[str, Any] = {}
        for task in self.tasks:
            label, logit = _columns(task)
            columns[label] = _optional_labels(_of_task(labels, task, "labels"), label)
            scores = as_scores(_of_task(logits, task, "logits"), logit)
            with np.errstate(over="ignore"):  # beyond float32 becomes infinite, which is defined
                columns[logit] = scores.astype(np.float32)
        if domains is not None:
            columns["domains"] = as_categories(domains, "domains")
        if groups is not None:
            columns["groups"] = as_categories(groups, "groups")
        check_lengths(**columns)
        self._add([pl.DataFrame(columns)])

    def merge(self, other: Evaluator) -> None:
        """Adds all rows of another evaluator of the same tasks.

        Args:
            other: It is left as it is.

        Raises:
            ValueError: If the tasks differ, or only one of the two has domains or groups.
        """
        if other.tasks != self.tasks:
            raise ValueError(
                f"`other` must have the same tasks. Received: {other.tasks}, here: {self.tasks}."
            )
        self._add(other._frames())

    def result(self) -> dict[str, Any]:
        """Returns the figures in the form of `ctrmoe evaluate --json`.

        `{"rows": N, "tasks": {task: {"auc", "gauc", "logloss", "ne", "ece", "pcoc",
        "positives"}}, "domains": {value: {task: {…}}}}`, the domains by falling number of rows,
        then by name. A figure that is undefined is None: one class only (`auc`, `gauc`, `ne`), no
        positive (`pcoc`), no row, no groups; so is an infinite log loss, which JSON cannot hold.
        Rows without a domain are under `missing`; should a domain have that very name, they are
        under `<missing>`, with as many brackets as it takes to differ from every domain.
        """
        table = self._table()
        return {
            "rows": table.height,
            "tasks": {task: json_figures(*_of(table, task)) for task in self.tasks},
            "domains": {
                name: {task: json_figures(*_of(part, task)) for task in self.tasks}
                for name, part in _domains(table)
            },
        }

    def report(self, level: float = 0.95) -> pl.DataFrame:
        """Returns a wider table, one row for each domain and task, the whole first.

        Beside the figures of `result` it holds `domain` (null for the whole), `task`, `rows`,
        DeLong's interval of the AUC (`auc_low`, `auc_high`) and how many groups GAUC used and
        ignored (`groups_used`, `groups_ignored`).

        Args:
            level: Coverage of the interval.
        """
        table = self._table()
        rows = [
            {"domain": name, "task": task, **report_figures(*_of(part, task), level)}
            for name, part in [(None, table), *_domains(table)]
            for task in self.tasks
        ]
        return pl.DataFrame(rows, schema=REPORT_COLUMNS)

    def _frames(self) -> list[pl.DataFrame]:
        return [*self._joined, *self._pending]

    def _add(self, frames: list[pl.DataFrame]) -> None:
        expected = next((frame.columns for frame in [*self._frames()[:1], *frames]), [])
        for frame in frames:
            if frame.columns != expected:
                raise ValueError(
                    "`domains` and `groups` must be given in every batch or in none. Received: "
                    f"{frame.columns}, earlier: {expected}."
                )
        self._pending += frames
        if len(self._pending) >= _MAX_PENDING:
            self._joined.append(pl.concat(self._pending, rechunk=True))
            self._pending = []

    def _table(self) -> pl.DataFrame:
        if frames := self._frames():
            return pl.concat(frames, rechunk=True)
        empty = [_columns(task) for task in self.tasks]
        return pl.DataFrame(
            schema={name: kind for pair in empty for name, kind in zip(pair, _TYPES, strict=True)}
        )


_TYPES = (pl.Boolean, pl.Float32)


def _columns(task: str) -> tuple[str, str]:
    """The columns of a task's labels and logits: error messages name them too."""
    return f"labels[{task!r}]", f"logits[{task!r}]"


def _of_task(values: Mapping[str, ArrayLike], task: str, name: str) -> ArrayLike:
    if task not in values:
        raise ValueError(f"`{name}` must hold task {task!r}. Received: {sorted(values)}.")
    return values[task]


def _optional_labels(values: ArrayLike, name: str) -> pl.Series:
    array = np.asarray(values)
    unlabelled = array == UNLABELLED
    labels = pl.Series(as_labels(np.where(unlabelled, 0, array), name))
    return labels.set(pl.Series(unlabelled), None) if unlabelled.any() else labels


def _of(table: pl.DataFrame, task: str) -> tuple[Labels, Scores, pl.Series | None]:
    label, logit = _columns(task)
    table = table.filter(pl.col(label).is_not_null()) if table[label].null_count() else table
    groups = table["groups"] if "groups" in table.columns else None
    return table[label].to_numpy(), table[logit].to_numpy(), groups


def _domains(table: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    if "domains" not in table.columns:
        return []
    parts = table.partition_by("domains", as_dict=True, include_key=False)
    missing = "missing"
    while (missing,) in parts:
        missing = f"<{missing}>"
    named = [(missing if value is None else value, part) for (value,), part in parts.items()]
    return sorted(named, key=lambda item: (-item[1].height, item[0]))
