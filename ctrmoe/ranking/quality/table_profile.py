"""What a table holds, counted in one pass over its files in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ctrmoe.data.parquet import CHUNK_ROWS, read_chunks
from ctrmoe.ranking.quality.column import Column, as_times
from ctrmoe.ranking.quality.column_profile import MAX_KEYS, ColumnProfile
from ctrmoe.ranking.quality.counts import FIRST, KEY
from ctrmoe.ranking.quality.hashing import mix, name_hash
from ctrmoe.ranking.quality.label_counts import LabelCounts, masks
from ctrmoe.ranking.quality.number_counts import NumberCounts, number_keys
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.ranking.quality.value_counts import ValueCounts
from ctrmoe.schema import Schema

MAX_ROWS = 1 << 21


@dataclass(frozen=True, slots=True)
class FileRows:
    """A file of a table.

    Args:
        name: Its path.
        first: Number of the rows before it in the whole table.
        rows: How many it holds.
        types: Its columns with their types.
        is_text: Whether it is a CSV file or its kin.
    """

    name: str
    first: int
    rows: int
    types: dict[str, pl.DataType]
    is_text: bool


class TableProfile:
    """Counts of all columns of a table, of its labels, times and rows.

    Profiles of parts add up to that of the whole by `merge`, if each part knows the number of rows
    before it.

    Args:
        schema: What the columns mean.
        columns: How each column is read, as `plan_columns` gives.
        compared: Columns that make up a row where rows are compared.
        max_keys: Most values of a column that are counted one by one.
        max_rows: Most rows that are compared one by one; above, a share of them drawn by hash.
    """

    def __init__(
        self,
        schema: Schema,
        columns: Mapping[str, Column],
        compared: Sequence[str] = (),
        *,
        max_keys: int = MAX_KEYS,
        max_rows: int = MAX_ROWS,
    ) -> None:
        named = dict.fromkeys([*(column.name for column in schema.inputs), schema.domain])
        self.schema = schema
        self.plan = columns
        self.compared = tuple(compared)
        self.rows = 0
        self.files: list[FileRows] = []
        self.columns = {name: ColumnProfile(columns[name], max_keys) for name in named if name}
        self.labels = {task.name: LabelCounts() for task in schema.tasks}
        self.unlabelled = 0
        """Rows that have the label of no task."""
        self.times = NumberCounts(max_keys)
        self.row_counts = ValueCounts(max_rows)

    def add_file(
        self,
        file: TypedFile,
        first: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
        on_rows: Callable[[int], None] | None = None,
    ) -> None:
        """Counts a file.

        Args:
            file: The file.
            first: Number of rows before it, where it is not the next one.
            chunk_rows: Rows read at once.
            on_rows: Called with the number of rows of each chunk.
        """
        start = self.rows if first is None else first
        wanted = [n for n in self._wanted() if n in file.types and self.plan[n].fits(file.types[n])]
        done = 0
        for chunk in read_chunks(file.source, wanted, self.schema, chunk_rows) if wanted else ():
            self._update(chunk, start + done, start)
            done += chunk.height
            if on_rows:
                on_rows(chunk.height)
        self.rows += done
        self.files.append(FileRows(str(file.source), start, done, file.types, file.is_text))

    def merge(self, other: TableProfile) -> None:
        """Adds the profile of another part of the table."""
        self.rows += other.rows
        self.unlabelled += other.unlabelled
        self.files = sorted([*self.files, *other.files], key=lambda file: (file.first, file.name))
        for name, column in self.columns.items():
            column.merge(other.columns[name])
        for task, counts in self.labels.items():
            counts.merge(other.labels[task])
        self.times.merge(other.times)
        self.row_counts.merge(other.row_counts)

    @property
    def name(self) -> str:
        """The file, or the first of them and their number."""
        more = f" and {len(self.files) - 1} more" if len(self.files) > 1 else ""
        return (self.files[0].name if self.files else "the table") + more

    def row(self, number: int) -> str:
        """Names a row by its file and its number there; the first row of a file has number 1."""
        file = next(f for f in self.files if f.first <= number < f.first + f.rows)
        return f"{file.name}, row {number - file.first + 1}"

    def file_at(self, first: int) -> str:
        """Names the file that starts at a row."""
        return next(f.name for f in self.files if f.first == first and f.rows)

    def _wanted(self) -> list[str]:
        names = [*self.columns, *(task.label for task in self.schema.tasks)]
        return list(dict.fromkeys([*filter(None, [*names, self.schema.timestamp]), *self.compared]))

    def _update(self, chunk: pl.DataFrame, first: int, file: int) -> None:
        classes = masks(self.schema, self._labels(chunk, first), first, chunk.height)
        hashes = np.zeros(chunk.height, np.uint64)
        for name in chunk.columns:
            column = self.plan[name]
            if name not in self.columns and name not in self.compared:
                continue
            values = column.read(chunk[name])
            if name in self.columns:
                self.columns[name].refused += column.refused(chunk[name])
                hashed = self.columns[name].update(values, classes, file)
            else:
                hashed = column.hash(values)
            if name in self.compared:
                hashes += mix(hashed * name_hash(name))
        if self.schema.timestamp in chunk.columns:
            self._add_times(as_times(chunk[self.schema.timestamp]), classes)
        if self.compared:
            self.row_counts.update(classes.select(FIRST).with_columns(pl.Series(KEY, hashes)))

    def _labels(self, chunk: pl.DataFrame, first: int) -> dict[str, np.ndarray]:
        absent = np.full(chunk.height, -1, np.int8)
        labels = {
            task.name: self.labels[task.name].update(chunk[task.label], first)
            if task.label in chunk.columns
            else absent
            for task in self.schema.tasks
        }
        if any(task.label in chunk.columns for task in self.schema.tasks):
            self.unlabelled += int(np.all([label < 0 for label in labels.values()], axis=0).sum())
        return labels

    def _add_times(self, values: pl.Series, classes: pl.DataFrame) -> None:
        present = values.is_not_null()
        keys = number_keys(values.filter(present).to_numpy())
        self.times.update(classes.filter(present).with_columns(pl.Series(KEY, keys, pl.UInt64)))
