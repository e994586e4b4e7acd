"""A sample of raw rows, encoded once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.config import ConfigError
from ctrmoe.data.encode import raw_columns
from ctrmoe.data.packed import Encoded
from ctrmoe.data.parquet import check_columns, column_types, read_files
from ctrmoe.data.sources import Origin, SourceFile, Table, find_files
from ctrmoe.run import Run
from ctrmoe.schema import UNLABELLED, SchemaError

CHUNK_ROWS = 65_536
MISSING_DOMAIN = "missing"


@dataclass(frozen=True, slots=True)
class Sample:
    """Encoded rows with what they are grouped by.

    Args:
        encoded: The rows as the model reads them.
        labels: int8 `[rows]` by task, `UNLABELLED` where the row does not count for the task; no
            task at all if the tables lack a label.
        domains: The raw domain of each row as text, or None.
    """

    encoded: Encoded
    labels: dict[str, np.ndarray]
    domains: np.ndarray | None

    def __len__(self) -> int:
        return len(self.encoded.ids)

    def take(self, rows: Any) -> Sample:
        """Returns the rows of a mask or of indices."""
        return _each(lambda columns: columns[0][rows], [self])

    def labelled(self, task: str) -> np.ndarray:
        """Returns which rows count for a task."""
        return self.labels[task] != UNLABELLED


def read_sample(
    run: Run,
    data: Table | Iterable[Table],
    *,
    rows: int = 10_000,
    seed: int = 0,
    labels: bool = True,
    on_rows: Callable[[str, int, int | None], None] | None = None,
) -> Sample:
    """Draws rows of raw tables, each with the same chance, and encodes them.

    The memory needed follows `rows` and not the size of the tables; the rows drawn do not depend
    on how the tables are cut into chunks.

    Args:
        run: The run whose schema and vocabularies encode the rows.
        data: Raw parquet or CSV files, globs, folders or frames.
        rows: Most rows to draw; all of them if the tables hold less.
        seed: Of the draw.
        labels: Whether every label must be there; if not, tables without them give no labels.
        on_rows: Called with the stage, the rows read so far and their number if it is known.

    Raises:
        ConfigError: If `rows` is less than 1.
        SchemaError: If there is no row, or a column is missing or of a wrong type.
    """
    if rows < 1:
        raise ConfigError(f"`rows` must be at least 1. Received: rows={rows}.")
    files = find_files(data)
    schema = run.schema
    wanted = _label_columns(run, files, required=labels)
    random = np.random.default_rng(seed)
    kept: list[tuple[np.ndarray, Sample]] = []
    bound = np.inf
    for frame, where, done in read_files(
        files, [*raw_columns(schema), *wanted], schema, CHUNK_ROWS
    ):
        # The rows with the smallest keys are the sample: every row has the same chance.
        keys = random.random(len(frame))
        chosen = np.flatnonzero(keys < bound)
        kept.append((keys[chosen], _encode(run, frame[chosen], where.at(chosen), bool(wanted))))
        if sum(len(part) for part, _ in kept) > 2 * rows:
            kept = [_smallest(kept, rows)]
            bound = kept[0][0].max()
        if on_rows:
            on_rows("read", done + len(frame), None)
    if not sum(len(part) for part, _ in kept):
        names = ", ".join(str(file) for file in files)
        raise SchemaError(f"The tables must have rows to explain. Received: 0 rows in {names}.")
    return _smallest(kept, rows)[1]


def _label_columns(run: Run, files: Sequence[SourceFile], *, required: bool) -> list[str]:
    """The columns of the labels; none if a table lacks one that is not required."""
    columns = [task.label for task in run.schema.tasks]
    for file in files:
        types = column_types(file, run.schema)
        absent = [name for name in columns if name not in types]
        if absent and not required:
            return []
        try:
            check_columns(columns, types, str(file))
        except SchemaError as error:
            raise SchemaError(
                f"{error} Permutation importance needs the label of every task: add the column, "
                "or leave importance out with `--repeats 0`."
            ) from None
    return columns


def _encode(run: Run, frame: pl.DataFrame, where: Origin, labelled: bool) -> Sample:
    schema = run.schema
    domains = None
    if schema.domain:
        column = frame[schema.domain]
        text = column.cast(pl.String)
        if column.dtype.is_float():
            text = column.fill_nan(None).cast(pl.String).str.strip_suffix(".0")
        domains = text.fill_null(MISSING_DOMAIN).to_numpy()
    labels = run.encoder.labels(frame, where) if labelled else {}
    return Sample(run.encoder.encode(frame, where), labels, domains)


def _smallest(parts: list[tuple[np.ndarray, Sample]], rows: int) -> tuple[np.ndarray, Sample]:
    """Joins the parts and keeps the rows with the smallest keys, in their order."""
    keys = np.concatenate([part for part, _ in parts])
    joined = _each(np.concatenate, [sample for _, sample in parts])
    if len(keys) <= rows:
        return keys, joined
    chosen = np.sort(np.argpartition(keys, rows)[:rows])
    return keys[chosen], joined.take(chosen)


def _each(function: Callable[[list[Any]], Any], samples: list[Sample]) -> Sample:
    """Makes a sample of what `function` makes of each column of the samples."""

    def made(columns: list[Any]) -> Any:
        return None if columns[0] is None else function(columns)

    encoded = {
        field.name: made([getattr(sample.encoded, field.name) for sample in samples])
        for field in dataclasses.fields(Encoded)
    }
    tasks = samples[0].labels
    return Sample(
        Encoded(**encoded),
        {task: made([sample.labels[task] for sample in samples]) for task in tasks},
        made([sample.domains for sample in samples]),
    )
