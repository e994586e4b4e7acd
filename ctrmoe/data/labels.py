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
    optional = len(schema.tasks) > 1
    labels = {
        task.name: columns.labels(frame[task.label], where, optional=optional)
        for task in schema.tasks
    }
    nowhere = np.all([column == UNLABELLED for column in labels.values()], axis=0)
    if nowhere.any():
        raise SchemaError(
            "A row must have the label of one task at least. Received: null in "
            f"{', '.join(task.label for task in schema.tasks)} in "
            f"{where.row(int(nowhere.argmax()))}. Leave the row out."
        )
    return labels
