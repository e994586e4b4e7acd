"""The columns that the files of a table have in common, each with one type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ctrmoe.data.delimited import is_number
from ctrmoe.data.parquet import column_types, read_chunks
from ctrmoe.data.sources import SourceFile
from ctrmoe.schema import SchemaError


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """Names the columns of text files that have no header line.

    Args:
        columns: The names, in the order of the columns; empty where the files have the line.
    """

    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumns:
    """The columns of a table that may lie in several files.

    Args:
        types: The type of each column of the first file that holds the values of every file.
        parsed: Columns whose texts count as numbers where all are: those of a text file, or those
            that are text in some files only.
        partial: How many files have a column, of those that the first one does not have.
    """

    types: dict[str, pl.DataType]
    parsed: frozenset[str]
    partial: dict[str, int]

    @classmethod
    def of(cls, files: Sequence[SourceFile], header: HeaderLine) -> TableColumns:
        """Reads the types of every file; rows are not read.

        Raises:
            SchemaError: If no type holds the values that a column has in all files, or the first
                line of a text file holds values instead of names.
        """
        tables = [(file, column_types(file, header)) for file in files]
        first = tables[0][1]
        text = any(file.frame is None and not file.is_parquet for file in files)
        if text and not header.columns:
            _check_names(files[0], list(first))
        types = {name: _common_type(name, tables) for name in first}
        mixed = {name for name in types if len({str(of.get(name)) for _, of in tables}) > 1}
        others = [name for _, of in tables for name in of if name not in first]
        return cls(
            types=types,
            parsed=frozenset(types if text else mixed),
            partial={name: others.count(name) for name in others},
        )

    def chunks(self, files: Sequence[SourceFile], header: HeaderLine) -> Iterator[pl.DataFrame]:
        """Reads the columns chunk by chunk, each in its type."""
        for file in files:
            for chunk in read_chunks(file, list(self.types), header):
                yield chunk.cast(self.types)  # type: ignore[arg-type]


def _check_names(file: SourceFile, names: list[str]) -> None:
    """Refuses a first line of values; that of a frame's own numbers, 0 to n, holds names."""
    numbered = [str(number) for number in range(len(names))]
    if names in (numbered, ["", *numbered[:-1]]):
        return
    if number := next(filter(is_number, names), None):
        raise SchemaError(
            f"{file}: the first line must name the columns. Received: {number!r}, which is a "
            f"value. Name all {len(names)} columns by `--columns a,b,…` (`columns=[...]` in "
            "Python), the same ones if these are names."
        )


def _common_type(
    name: str, tables: Sequence[tuple[SourceFile, dict[str, pl.DataType]]]
) -> pl.DataType:
    """Returns the type that holds a column's values in all files that have it."""
    found: dict[pl.DataType, SourceFile] = {}
    for file, types in tables:
        if name in types:
            found.setdefault(types[name], file)
    values = [dtype for dtype in found if dtype != pl.Null] or list(found)
    if len(values) == 1:
        return values[0]
    try:
        # polars would make lists of the values of the other files.
        if len({dtype.is_nested() for dtype in values}) == 1:
            empty = [pl.Series(dtype=dtype).to_frame(name) for dtype in values]
            return pl.concat(empty, how="vertical_relaxed").schema[name]
    except pl.exceptions.PolarsError:
        pass
    received = ", ".join(f"{dtype} in {file}" for dtype, file in found.items())
    raise SchemaError(
        f"Column `{name}` must have one type in all files. Received: {received}. Cast one of them."
    )
