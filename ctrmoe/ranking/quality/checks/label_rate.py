"""Jumps of a label's rate: from period to period, and from one table to the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.label_counts import FOLDS, mask_name
from ctrmoe.ranking.quality.significance import differs
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.times import DAY, Times, periods, read_times
from ctrmoe.schema import Task

NAME = "label_rate"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares each day, or hour, with all of its table, and the tables with each other."""
    for table in tables.each():
        times = read_times(table)
        if times is not None:
            for task in tables.schema.tasks:
                yield from _over_time(tables, times, task)
    if tables.against is not None:
        for task in tables.schema.tasks:
            yield from _between(tables, task)


def _over_time(tables: Tables, times: Times, task: Task) -> Iterator[Finding]:
    divided = periods(times)
    if divided is None:
        return
    seconds, number = divided
    used, place = np.unique(number, return_inverse=True)
    counted = {
        label: np.bincount(
            place,
            sum(times.counts(mask_name(task.name, label, fold))[times.main] for fold in FOLDS),
        )
        for label in (0, 1)
    }
    positives, rows = counted[1], counted[0] + counted[1]
    if not positives.sum():
        return
    rate = positives.sum() / rows.sum()
    change = np.abs(positives / np.maximum(rows, 1) / rate - 1)
    # Only what chance can't do; the period with the largest change speaks for all.
    real = [
        differs(int(hits), int(count), int(positives.sum() - hits), int(rows.sum() - count))
        for hits, count in zip(positives, rows, strict=True)
    ]
    change = np.where(real, change, 0.0)
    limit = tables.limit(NAME)
    if change.max() > limit:
        index = int(change.argmax())
        yield Finding(
            check=NAME,
            severity="warning",
            column=task.label,
            value=float(change.max()),
            limit=limit,
            message=f"The rate of `{task.label}` must not change by more than {limit:.0%}. "
            f"Received: {positives[index] / rows[index]:.4g} in the "
            f"{'day' if seconds == DAY else 'hour'} from {times.show(float(used[index]) * seconds)}"
            f" on, {rate:.4g} in all of {times.table.name}. Find out what changed, or raise "
            f"`{NAME}`.",
        )


def _between(tables: Tables, task: Task) -> Iterator[Finding]:
    assert tables.against is not None
    data, other = tables.data.labels[task.name], tables.against.labels[task.name]
    if not data.rate or other.rate is None:
        return
    change = abs(other.rate / data.rate - 1)
    shares = (
        data.positives,
        data.positives + data.negatives,
        other.positives,
        other.positives + other.negatives,
    )
    limit = tables.limit(NAME)
    if change > limit and differs(*shares):
        yield Finding(
            check=NAME,
            severity="error",
            column=task.label,
            value=change,
            limit=limit,
            message=f"The rate of `{task.label}` must not change by more than {limit:.0%}. "
            f"Received: {other.rate:.4g} in {tables.against.name}, {data.rate:.4g} in "
            f"{tables.data.name}. Draw both tables alike, or raise `{NAME}`.",
        )
