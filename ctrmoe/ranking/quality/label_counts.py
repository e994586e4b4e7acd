"""The labels of a table: how many there are of each class, and what can be none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ctrmoe.data.columns import plain_text
from ctrmoe.ranking.quality.column import as_numbers
from ctrmoe.ranking.quality.counts import FIRST
from ctrmoe.ranking.quality.hashing import row_numbers
from ctrmoe.schema import Schema

FOLDS = (0, 1)


def mask_name(task: str, label: int, fold: int) -> str:
    """Names the counts of a task's rows of one label in one fold."""
    return f"{label}{fold}{task}"


@dataclass(kw_only=True, slots=True)
class LabelCounts:
    """Counts of one task's labels.

    Args:
        positives: Rows of label 1.
        negatives: Rows of label 0.
        missing: Rows without a label.
        wrong: Rows with another label.
        wrong_row: Number of the first of these.
        wrong_value: Its label as text.
    """

    positives: int = 0
    negatives: int = 0
    missing: int = 0
    wrong: int = 0
    wrong_row: int | None = None
    wrong_value: str = ""

    @property
    def rate(self) -> float | None:
        """Share of label 1 among the rows with a label."""
        labelled = self.positives + self.negatives
        return self.positives / labelled if labelled else None

    def update(self, raw: pl.Series, first: int) -> np.ndarray:
        """Counts a chunk; returns 1, 0, and -1 where a row has no such label."""
        text = raw.dtype in (pl.String, pl.Categorical, pl.Enum)
        raw = raw.cast(pl.String) if text else raw
        numbers = as_numbers(plain_text(raw) if text else raw).to_numpy()
        result = np.where(numbers == 1, 1, np.where(numbers == 0, 0, -1))
        blank = raw.is_null()
        if text:
            blank |= (raw.str.strip_chars() == "").fill_null(False)
        elif raw.dtype.is_float():
            blank |= raw.is_nan().fill_null(False)
        missing = blank.to_numpy()
        wrong = (result < 0) & ~missing
        self.positives += int((result == 1).sum())
        self.negatives += int((result == 0).sum())
        self.missing += int(missing.sum())
        if wrong.any() and self.wrong_row is None:
            row = int(wrong.argmax())
            self.wrong_row, self.wrong_value = first + row, repr(raw[row])
        self.wrong += int(wrong.sum())
        return result.astype(np.int8)

    def merge(self, other: LabelCounts) -> None:
        """Adds the counts of another part of the table."""
        for name in ("positives", "negatives", "missing", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        rows = [part for part in (self, other) if part.wrong_row is not None]
        if rows:
            earliest = min(rows, key=lambda part: part.wrong_row or 0)
            self.wrong_row, self.wrong_value = earliest.wrong_row, earliest.wrong_value


def masks(schema: Schema, labels: dict[str, np.ndarray], first: int, rows: int) -> pl.DataFrame:
    """Returns each row's number, and by task, label and fold whether it counts there.

    The fold is drawn by the row's number: half of the rows tell a value's rate of positives, by
    which the other half is ordered.
    """
    fold = row_numbers(first, rows) & np.uint64(1)
    columns = {FIRST: np.arange(first, first + rows, dtype=np.uint64)}
    for task in schema.tasks:
        for label in (0, 1):
            for half in FOLDS:
                chosen = (labels[task.name] == label) & (fold == half)
                columns[mask_name(task.name, label, half)] = chosen.astype(np.int8)
    return pl.DataFrame(columns)
