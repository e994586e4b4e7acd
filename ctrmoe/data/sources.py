"""Finding the files of a table: one file, many, a glob or a (partitioned) folder, or a frame."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

import numpy as np
import polars as pl

from ctrmoe.data.frames import as_polars, is_frame
from ctrmoe.schema import SchemaError

PARQUET_SUFFIXES = (".parquet", ".pq")
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"

Table: TypeAlias = Any
"""A path, a glob, a folder, or a table of polars, pandas or pyarrow in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One file of a table, or one frame in memory.

    Args:
        path: The file; the name of a frame.
        relative: Its path relative to the folder given, or its name.
        partitions: Columns that the folders on its path give, as in `day=2024-01-01`.
        frame: The table itself where it is no file.
    """

    path: Path
    relative: Path
    partitions: dict[str, str | None] = field(default_factory=dict)
    frame: pl.DataFrame | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_parquet(self) -> bool:
        """Whether it is a parquet file, by its name or its first bytes."""
        if self.path.suffix.lower() in PARQUET_SUFFIXES:
            return True
        if _is_text(self.path):
            return False
        with self.path.open("rb") as file:
            return file.read(4) == b"PAR1"


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where a chunk of rows comes from, for error messages.

    Args:
        name: The file.
        first_row: Number of rows of the file before the chunk.
        rows: The chunk's row that each value comes from; None where there is one value a row.
    """

    name: str = "the table"
    first_row: int = 0
    rows: np.ndarray | None = None

    def at(self, rows: np.ndarray | None) -> Origin:
        """Returns the origin of values that come from these rows."""
        if rows is None:
            return self
        return Origin(self.name, self.first_row, rows if self.rows is None else self.rows[rows])

    def row(self, index: int) -> str:
        """Names the row of a value; the first row of a file has number 1."""
        row = index if self.rows is None else int(self.rows[index])
        return f"{self.name}, row {self.first_row + row + 1}"


UNNAMED = Origin()
"""Of a chunk whose file is not known."""


def find_files(paths: Table | Iterable[Table]) -> list[SourceFile]:
    """Lists the files of a table in an order that depends on their names alone.

    Args:
        paths: Files, globs, folders (searched recursively; `key=value` folders give columns) and
            frames, or one of them. Of a folder, files called *.parquet, *.pq, *.csv, *.tsv, *.txt
            (the last three also with .gz) are read, hidden ones are not.

    Raises:
        SchemaError: When a path does not exist or nothing is found.
    """
    found: dict[Path, SourceFile] = {}
    for number, item in enumerate(as_list(paths)):
        for file in _expand(item, number):
            found.setdefault(file.path, file)
    if not found:
        raise SchemaError("No file was given. Name at least one file, glob or folder.")
    return _with_unique_names(list(found.values()))


def as_list(paths: Table | Iterable[Table]) -> list[Table]:
    """Returns the paths and frames that are given, a single one too."""
    # The keys of a mapping and the values of a series are no paths.
    single = isinstance(paths, str | Mapping) or is_frame(paths) or hasattr(paths, "to_frame")
    single = single or not isinstance(paths, Iterable)
    return [paths] if single else list(paths)


def _expand(item: Table, number: int) -> Iterator[SourceFile]:
    if isinstance(item, SourceFile):
        yield item
    elif is_frame(item):
        name = Path(f"frame-{number}")
        yield SourceFile(name, name, frame=as_polars(item))
    elif not isinstance(item, str | Path):
        raise SchemaError(
            "A table must be a path, a glob, a folder, or a polars, pandas or pyarrow table. "
            f"Received: {type(item).__name__}."
        )
    elif os.path.isdir(item):
        yield from _folder(Path(item), Path(item))
    elif os.path.exists(item):
        yield _file(Path(item), Path(item).parent)
    elif glob.has_magic(str(item)):
        yield from _glob(str(item))
    elif "://" in str(item):
        raise SchemaError(
            f"A path must lie in the file system. Received: {str(item)!r}. Mount it, or copy it "
            "first."
        )
    else:
        raise SchemaError(f"{item or 'An empty path'} doesn't exist. Check the path.")


def _file(path: Path, root: Path) -> SourceFile:
    keys = [part.partition("=") for part in path.parent.parts if "=" in part]
    partitions = {key: None if v == NULL_PARTITION else unquote(v) for key, _, v in keys if key}
    return SourceFile(path, path.relative_to(root), partitions)


def _folder(folder: Path, root: Path) -> Iterator[SourceFile]:
    found = False
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] not in "._")
        for name in sorted(names):
            path = Path(place, name)
            if name[0] not in "._" and (path.suffix.lower() in PARQUET_SUFFIXES or _is_text(path)):
                found = True
                yield _file(path, root)
    if not found:
        raise SchemaError(
            f"{folder} holds no *.parquet, *.csv, *.tsv or *.txt file. Check the path."
        )


def _glob(pattern: str) -> Iterator[SourceFile]:
    matches = sorted(glob.glob(pattern, recursive=True))
    if not matches:
        raise SchemaError(f"No file matches {pattern!r}. Check the pattern.")
    fixed = []
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        fixed.append(part)
    root = Path(*fixed)
    for match in matches:
        path = Path(match)
        if path.is_dir():
            yield from _folder(path, root)
        else:
            yield _file(path, root)


def _is_text(path: Path) -> bool:
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(TEXT_SUFFIXES)


def _with_unique_names(files: list[SourceFile]) -> list[SourceFile]:
    """Names files relative to their common folder where the names found repeat."""
    if len({file.relative for file in files}) == len(files):
        return files
    root = os.path.commonpath([file.path.absolute().parent for file in files])
    return [
        SourceFile(f.path, f.path.absolute().relative_to(root), f.partitions, f.frame)
        for f in files
    ]
