"""The labels of raw rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from ctrmoe import strict
from ctrmoe.data import columns
from ctrmoe.data.sources import Origin
from ctrmoe.schema import UNLABELLED, Schema, SchemaError


def check_labels(schema: Schema, known: Iterable[str], where: str) -> None:
    """Refuses a table that lacks the label of a task.

    Args:
        schema: The tasks.
        known: Columns of the table.
        where: Its name.

    Raises:
        SchemaError: If a label is no column.
    """
    names = list(known)
    for task in schema.tasks:
        if task.label not in names:
            null = ", null where a row has no label." if len(schema.tasks) > 1 else "."
            raise SchemaError(
                f"The label `{task.label}` of task `{task.name}` must be a column of every table. "
                f"Received: none in {where}.{strict.suggestion(task.label, names)} Add it{null}"
            )


def read_labels(schema: Schema, frame: pl.DataFrame, where: Origin) -> dict[str, np.ndarray]:
    """Returns the int8 labels of a raw chunk by the name of their task.

    With several tasks a label may be null: the row then does not count for that task.

    Raises:
        SchemaError: If a label is missing, or is neither 0 nor 1, or a row has none at all.
    """
    check_labels(schema, frame.columns, where.name)
    labels = {task.name: columns.labels(frame[task.label], where) for task in schema.tasks}
    nowhere = np.all([column == UNLABELLED for column in labels.values()], axis=0)
    if nowhere.any():
        raise _unlabelled(schema, frame, nowhere, where)
    return labels


def _unlabelled(
    schema: Schema, frame: pl.DataFrame, nowhere: np.ndarray, where: Origin
) -> SchemaError:
    names = ", ".join(task.label for task in schema.tasks)
    several = len(schema.tasks) > 1
    row = int(nowhere.argmax())
    if nowhere.all() and len(nowhere) > 1:
        label = "A label" if several else f"Label `{names}`"
        first, last = where.first_row + 1, where.first_row + len(nowhere)
        return SchemaError(
            f"{label} must be 0 or 1. Received: no value in {names} in all of the rows {first} to "
            f"{last} of {where.name}. Fill the column, or leave the table out."
        )
    if several:
        return SchemaError(
            f"A row must have the label of one task at least. Received: null in {names} in "
            f"{where.row(row)}. Leave the row out."
        )
    return SchemaError(
        f"Label `{names}` must be 0 or 1. Received: {frame[names][row]!r} in {where.row(row)}. "
        "Mend the value or leave the row out."
    )
