"""Whether a table has rows of both classes."""

from __future__ import annotations

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.schema import SchemaError, Task


def check_classes(task: Task, table: ContingencyTable | None) -> None:
    """Refuses a task of which there is nothing to learn.

    Args:
        task: The task.
        table: Counts of any feature by its label; None where there were no rows.

    Raises:
        SchemaError: When there were no rows, or no label or only one.
    """
    if table is None:
        raise SchemaError("The table must have rows. Received: none. Name files that have some.")
    negatives, positives = table.rows.sum(axis=0).tolist()
    if not negatives and not positives:
        raise SchemaError(
            f"Label `{task.label}` of task `{task.name}` must be 0 or 1 in some rows. "
            "Received: no value in any row. Fill the column, or leave the task out."
        )
    if not negatives or not positives:
        raise SchemaError(
            f"Label `{task.label}` of task `{task.name}` must be 0 in some rows and 1 in "
            f"others. Received: {int(positives > 0)} in all of them. Add rows of the other."
        )
