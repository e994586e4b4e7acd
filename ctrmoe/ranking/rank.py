"""Ranks the features of files on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl

from ctrmoe import strict
from ctrmoe.ahead import ahead
from ctrmoe.data.columns import infer_dtype
from ctrmoe.data.labels import check_labels
from ctrmoe.data.parquet import CHUNK_ROWS, check_columns, column_types, count_rows, read_files
from ctrmoe.data.sources import Origin, SourceFile, Table, find_files
from ctrmoe.ranking.distributions import distributions, first_places, frequent_keys
from ctrmoe.ranking.domains import find_domains
from ctrmoe.ranking.mini_batches import mini_batches
from ctrmoe.ranking.on_cluster import count_on_cluster
from ctrmoe.ranking.page import ranking_page
from ctrmoe.ranking.parts import Parts
from ctrmoe.ranking.quality import check as check_table
from ctrmoe.ranking.ranker import LEVEL, SCORE, Ranker
from ctrmoe.ranking.ranking import write_tables
from ctrmoe.ranking.surrogates import Surrogate
from ctrmoe.ranking.surrogates.build import name_of
from ctrmoe.ranking.time_slices import find_time_slices
from ctrmoe.ranking.value_names import value_names
from ctrmoe.schema import Schema, SchemaError

logger = logging.getLogger(__name__)
BATCH_ROWS = 1 << 14
ENGINES = ("local", "ray")


def rank(
    schema: Schema,
    data: Table | Iterable[Table],
    out: str | Path | None = None,
    *,
    score: str | Surrogate = SCORE,
    fdr: float = LEVEL,
    **options: Any,
) -> pl.DataFrame:
    """Ranks the features of a raw table by what they tell about each task.

    Args:
        schema: Its features are ranked against its tasks.
        data: Files, globs, folders or frames; all rows are read, once.
        out: Folder for the tables of `rank_tables`, as parquet and CSV, and the page that shows
            them, `report.html`; nothing is written where it is None.
        score: What to rank by.
        fdr: Level of `above_noise`.
        options: Of `rank_tables`.

    Returns:
        The columns of `ranking.parquet`, as the README explains them.

    Raises:
        SchemaError: When the data does not fit the schema, or an argument is out of range.
    """
    values = out is not None
    tables = rank_tables(schema, data, values=values, score=score, fdr=fdr, **options)
    if out is not None:
        name = score if isinstance(score, str) else name_of(score)
        write_tables(tables, out, ranking_page(tables, schema.name, score=name, level=fdr))
    return tables["ranking"]


def rank_tables(  # noqa: PLR0913 - its options
    schema: Schema,
    data: Table | Iterable[Table],
    *,
    by_domain: bool = False,
    time_slices: int = 0,
    values: bool = False,
    check: bool = False,
    chunk_rows: int = CHUNK_ROWS,
    batch_rows: int = BATCH_ROWS,
    engine: str = "local",
    workers: int | None = None,
    on_start: Callable[[Ranker], None] | None = None,
    on_rows: Callable[[int], None] | None = None,
    on_counted: Callable[[Ranker], None] | None = None,
    **options: Any,
) -> dict[str, pl.DataFrame]:
    """Ranks the features of a raw table, and by part of its rows.

    Args:
        schema: Its features are ranked against its tasks.
        data: Files, globs, folders or frames; all rows are read, once, and before them the columns
            of domain and time where they divide the rows.
        by_domain: Whether to rank by domain too.
        time_slices: Above 0, into how many slices of equal rows by time to divide the rows and to
            rank by them too.
        values: Whether to return the label rates by value of the first features too.
        check: Whether to look for what is wrong with the data too, in a second pass: counts of
            values by label know no text, no file and no order of rows.
        chunk_rows: Rows in memory at once; the result does not depend on it.
        batch_rows: Rows of a mini-batch of `null="shift"`.
        engine: `local`, or `ray`: the workers of a cluster count a file each.
        workers: Of Ray, files counted at once; one a node where it is None.
        on_start: Called with the ranker before the first row, to announce its memory.
        on_rows: Called with the number of rows of each chunk that is done.
        on_counted: Called with the ranker after the last row.
        options: Of `Ranker`.

    Returns:
        `ranking`, and where asked for `by_domain` and `heterogeneity`, `by_time` and `stability`,
        `distributions`, and `findings`, as the README explains them.

    Raises:
        SchemaError: When the data does not fit the schema, or an argument is out of range.
    """
    if batch_rows < 2:
        raise SchemaError(f"`batch_rows` must be at least 2. Received: {batch_rows}.")
    _check_engine(engine, options.get("null"))
    files = find_files(data)
    names = [column.name for column in schema.inputs] + [task.label for task in schema.tasks]
    _check_files(files, schema, names)
    parts: list[Parts] = [find_domains(files, schema, chunk_rows=chunk_rows)] if by_domain else []
    if time_slices:
        parts.append(find_time_slices(files, schema, time_slices, chunk_rows))
    ranker = Ranker(schema, parts=parts, **options)
    names += [division.column for division in parts]
    if on_start:
        on_start(ranker)
    if engine == "ray":
        count_on_cluster(ranker, files, names, chunk_rows, workers, on_rows)
    else:
        chunks = read_files(files, names, schema, chunk_rows)
        if options.get("null") == "shift":
            chunks = mini_batches(chunks, batch_rows)
        _count(ranker, chunks, on_rows)
    if on_counted:
        on_counted(ranker)
    tables = ranker.tables()
    if values:
        tables["distributions"] = _distributions(ranker, tables["ranking"], files)
    if check:
        tables["findings"] = check_table(files, schema, on_rows=on_rows).frame()
    return tables


def _count(
    ranker: Ranker,
    chunks: Iterable[tuple[pl.DataFrame, Origin, int]],
    on_rows: Callable[[int], None] | None,
) -> None:
    for frame, where, first_row in ahead(chunks):
        ranker.add(frame, where, first_row)
        if on_rows:
            on_rows(len(frame))


def _check_engine(engine: str, null: object) -> None:
    if engine not in ENGINES:
        raise SchemaError(
            f"`engine` must be local or ray. Received: {engine!r}."
            + strict.suggestion(engine, ENGINES)
        )
    if engine == "ray" and null == "shift":
        raise SchemaError(
            "`null` must be permutation or analytic on a cluster: shift goes by the order of the "
            "rows. Received: 'shift'. Rank with `engine` local."
        )


def _distributions(ranker: Ranker, ranking: pl.DataFrame, files: list[SourceFile]) -> pl.DataFrame:
    counts = {place: ranker.counts(*place) for place in first_places(ranking)}
    keys = {p: frequent_keys(table) for p, table in counts.items() if table.kind != "number"}
    return distributions(counts, value_names(files, ranker.schema, counts, keys))


def _check_files(files: list[SourceFile], schema: Schema, names: list[str]) -> None:
    """Refuses files that lack a column, or have it in another form than the first file."""
    first: dict[str, str] = {}
    empty = []
    for file in files:
        types = column_types(file, schema)
        check_labels(schema, types, str(file))
        check_columns(names, types, str(file))
        # Numbers may be text, as those of a CSV file beside others are.
        for name in (column.name for column in schema.inputs if column.kind != "numeric"):
            form = _form(name, types[name], str(file))
            if form and first.setdefault(name, form) != form:
                raise SchemaError(
                    f"`{name}` must have the same type in every file. Received: "
                    f"{types[name]} in {file}, but {first[name]} in {files[0]}. Cast it."
                )
        if count_rows(file) == 0:
            empty.append(str(file))
    if empty and len(empty) == len(files):
        raise SchemaError(f"{empty[0]} must have rows. Received: none. Name files that have some.")
    for name in empty:
        logger.warning("%s has no rows.", name)


def _form(name: str, dtype: pl.DataType, where: str) -> str:
    """Returns what a column holds, empty for nulls alone."""
    if dtype == pl.Null:
        return ""
    nested = isinstance(dtype, pl.List | pl.Array)
    inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
    return ("lists of " if nested else "") + infer_dtype(name, inner, where)  # type: ignore[arg-type]
