"""Labels that are none: other values than 0 and 1, no label at all, one class only."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.label_counts import LabelCounts
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables

NAME = "labels"


def find(tables: Tables) -> Iterator[Finding]:
    """Looks at the labels of each table; one that has no label column has none to look at."""
    for table in tables.each():
        labelled = [
            task
            for task in tables.schema.tasks
            if any(task.label in file.types for file in table.files)
        ]
        for task in labelled:
            yield from _of_task(task.label, table.labels[task.name], table)
        if table.unlabelled and any(table.labels[task.name].rate is not None for task in labelled):
            names = ", ".join(task.label for task in labelled)
            yield Finding(
                check=NAME,
                severity="error",
                column=names,
                value=table.unlabelled / table.rows,
                limit=0.0,
                message=f"Every row must have a label. Received: none in {names} in "
                f"{table.unlabelled:,} rows of {table.name}. Leave these rows out.",
            )


def _of_task(column: str, labels: LabelCounts, table: TableProfile) -> Iterator[Finding]:
    if labels.wrong_row is not None:
        yield Finding(
            check=NAME,
            severity="error",
            column=column,
            value=labels.wrong / table.rows,
            limit=0.0,
            message=f"Label `{column}` must be 0 or 1. Received: {labels.wrong_value} in "
            f"{table.row(labels.wrong_row)}, {labels.wrong:,} such rows in all. Mend the values "
            "or leave the rows out.",
        )
    if labels.rate is None:
        yield Finding(
            check=NAME,
            severity="error",
            column=column,
            message=f"Label `{column}` must be 0 or 1. Received: no such value in {table.name}. "
            "Fill the column.",
        )
    elif labels.rate in (0.0, 1.0):
        yield Finding(
            check=NAME,
            severity="error",
            column=column,
            value=labels.rate,
            message=f"Label `{column}` must have rows of both classes. Received: {labels.rate:.0f} "
            f"in all rows of {table.name}. Add rows of the other class.",
        )
