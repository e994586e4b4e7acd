"""The only reader and writer of tables: chunks of bounded memory in, whole files out."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ctrmoe import strict
from ctrmoe.data.atomic import atomic_file as atomic_file
from ctrmoe.data.atomic import atomic_folder as atomic_folder
from ctrmoe.data.delimited import first_fault, scan_delimited, short_line
from ctrmoe.data.row_groups import RawChunk, read_row_groups
from ctrmoe.data.sources import Origin as Origin
from ctrmoe.data.sources import SourceFile as SourceFile
from ctrmoe.data.sources import Table, find_files
from ctrmoe.schema import Schema, SchemaError

CHUNK_ROWS = 262_144
"""Rows read at once: enough to keep every core busy, about 200 MB for forty columns."""


class Header(Protocol):
    """What names the columns of text files that have no header line, such as a schema."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names, empty where the files have the line."""


def read_chunks(
    source: Table,
    columns: Sequence[str] | None,
    schema: Header | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[pl.DataFrame]:
    """Reads a table chunk by chunk in the order of its rows.

    Args:
        source: A `SourceFile`, or one path or frame. Columns of text files are text.
        columns: Columns to read; all of them where it is None.
        schema: Names the columns of text files without a header line.
        chunk_rows: Most rows of a chunk; chunks end with a row group wherever one fits.

    Raises:
        SchemaError: When a column is missing or named twice, or the file can't be read.
    """
    for file in find_files(source):
        for chunk in read_coded(file, columns, {}, schema, chunk_rows):
            yield chunk.frame


def read_coded(
    file: SourceFile,
    columns: Sequence[str] | None,
    texts: Mapping[str, bool],
    schema: Header | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[RawChunk]:
    """Reads a file as `read_chunks` does, its text as codes where they are fewer than the rows.

    Args:
        file: The file.
        columns: Columns to read; all of them where it is None.
        texts: Those that may come as codes, and whether they hold lists.
        schema: Names the columns of text files without a header line.
        chunk_rows: Most rows of a chunk.

    Raises:
        SchemaError: When a column is missing or named twice, or the file can't be read.
    """
    with _readable(file):
        table, types = _scan(file, schema)
        wanted = list(types) if columns is None else list(dict.fromkeys(columns))
        check_columns(wanted, types, str(file))
        if file.frame is not None:
            for start in range(0, len(file.frame), chunk_rows):
                yield RawChunk(table.select(wanted).slice(start, chunk_rows).collect())
        elif file.is_parquet:
            yield from read_row_groups(file, table, wanted, chunk_rows, texts)
        else:
            # polars checks the number of fields of a line only where it reads all of them.
            own, looked = [name for name in types if name not in file.partitions], False
            for batch in table.collect_batches(chunk_size=chunk_rows, maintain_order=True):
                if own and not looked and batch[own[-1]].has_nulls():
                    looked = True
                    _check_lines(file)
                yield RawChunk(batch.select(wanted))


def read_files(
    files: Iterable[SourceFile], columns: Sequence[str], schema: Schema, chunk_rows: int
) -> Iterator[tuple[pl.DataFrame, Origin, int]]:
    """Reads one file after the other.

    Yields:
        A chunk, where it comes from, and the number of rows before it in all files.
    """
    done = 0
    for file in files:
        first = done
        for frame in read_chunks(file, columns, schema, chunk_rows):
            yield frame, Origin(str(file), done - first), done
            done += len(frame)


def column_types(source: SourceFile, schema: Header | None = None) -> dict[str, pl.DataType]:
    """Returns the columns of a table and their types without reading its rows."""
    with _readable(source):
        return _scan(source, schema)[1]


def count_rows(source: SourceFile) -> int | None:
    """Returns the number of rows where it is known without reading them, otherwise None."""
    if source.frame is not None:
        return len(source.frame)
    with _readable(source):
        return pq.read_metadata(source.path).num_rows if source.is_parquet else None


def check_columns(wanted: Sequence[str], known: Any, where: str) -> None:
    """Refuses a table that lacks a column, or has one that polars would take for several.

    Raises:
        SchemaError: With the column.
    """
    for name in wanted:
        if name not in known:
            raise SchemaError(
                f"Column `{name}` is missing in {where}.{strict.suggestion(name, known)}"
            )
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise SchemaError(
                "The name of a column must not be `*` nor stand between `^` and `$`: these are "
                f"patterns. Received: {name!r} in {where}. Rename it."
            )


def to_arrow(frame: pl.DataFrame) -> pa.Table:
    """Returns a frame in the types that every reader of parquet knows."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


class AtomicParquetWriter:
    """Writes a parquet file that appears under its name when it is complete.

    Args:
        path: The file to write; an existing one is replaced at the end.
        schema: Columns and their types; those of the first table where it is None.
        options: Passed to `pyarrow.parquet.ParquetWriter`.

    Raises:
        SchemaError: When the disk is full or the place can't be written to.
    """

    def __init__(self, path: str | Path, schema: pa.Schema | None = None, **options: Any) -> None:
        self._path = path
        self._schema = schema
        self._options = {"compression": "zstd", **options}
        self._stack = contextlib.ExitStack()
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> AtomicParquetWriter:
        self._partial = self._stack.enter_context(atomic_file(self._path))
        if self._schema is not None:
            self._open(self._schema)
        return self

    def write(self, table: pa.Table | pl.DataFrame, row_group_size: int | None = None) -> None:
        """Appends the rows of a table."""
        if isinstance(table, pl.DataFrame):
            table = to_arrow(table)
        if self._writer is None:
            self._open(table.schema)
        self._writer.write_table(table, row_group_size=row_group_size)  # type: ignore[union-attr]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._stack.__exit__(kind, error, trace)

    def _open(self, schema: pa.Schema) -> None:
        opened = open_parquet(self._partial, schema, **self._options)
        self._writer = self._stack.enter_context(opened)


@contextlib.contextmanager
def open_parquet(path: Path, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
    """Opens a parquet file for writing, and closes it even where writing its footer fails."""
    with pa.OSFile(str(path), "wb") as file, pq.ParquetWriter(file, schema, **options) as writer:
        yield writer


def _scan(file: SourceFile, schema: Header | None) -> tuple[pl.LazyFrame, dict[str, pl.DataType]]:
    if file.frame is not None:
        table = file.frame.lazy()
    elif file.is_parquet:
        _check_parquet(file.path)
        table = pl.scan_parquet(file.path, hive_partitioning=False, glob=False)
    else:
        table = scan_delimited(file.path, schema.columns if schema else ())
    known = table.collect_schema()
    table = table.with_columns(
        pl.lit(value, dtype=pl.String).alias(name)
        for name, value in file.partitions.items()
        if name not in known
    )
    return table, dict(table.collect_schema())


def _check_parquet(path: Path) -> None:
    if path.stat().st_size == 0:
        raise SchemaError(f"{path} is empty. Remove it or write it again.")
    names = pq.read_schema(path).names
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SchemaError(
            f"{path}: column names must not repeat. Received twice: {repeated}. Rename one of them."
        )


def _check_lines(file: SourceFile) -> None:
    """Refuses a blank line and one that ends before the last column, as in a file cut off."""
    if fault := short_line(file.path):
        raise SchemaError(f"{file} can't be read: {fault}. Write it again, or remove it.")


@contextlib.contextmanager
def _readable(file: SourceFile) -> Iterator[None]:
    """Turns what polars and pyarrow raise on a damaged file into a sentence with its name."""
    try:
        yield
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        OSError,
        pa.ArrowException,
    ) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        if isinstance(e, pl.exceptions.PolarsError) and file.frame is None and not file.is_parquet:
            reason = first_fault(file.path) or reason
        reason = reason.rstrip(".")
        raise SchemaError(f"{file} can't be read: {reason}. Write it again, or remove it.") from e
