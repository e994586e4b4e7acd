"""CSV and its kin as a lazy table of text: the delimiter is found, the header is checked."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from ctrmoe.schema import SchemaError

DELIMITERS = "\t,;|"
SNIFFED_LINES = 20


def scan_delimited(path: Path, columns: Sequence[str] = ()) -> pl.LazyFrame:
    """Opens a delimited text file, gzipped or not; every column is text.

    Args:
        path: The file.
        columns: Names of the columns of a file without a header line.

    Raises:
        SchemaError: When the file is empty or its header names a column twice.
    """
    lines = _first_lines(path)
    delimiter = _delimiter(lines, len(columns))
    first = _fields(lines[0], delimiter)
    # A file that has the header all the same is read with it.
    has_header = not columns or first == list(columns)
    names = first if has_header else list(columns)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SchemaError(
            f"{path}: column names must not repeat. Received twice: {repeated}. Rename one of them."
        )
    if len(first) != len(names):
        raise SchemaError(
            f"{path}: `columns` must name every column. Received: {len(names)} names for "
            f"{len(first)} columns separated by {delimiter!r}."
        )
    return pl.scan_csv(
        path,
        separator=delimiter,
        # polars would leave doubled quotes in the names of a header line.
        has_header=False,
        skip_rows=int(has_header),
        schema=dict.fromkeys(names, pl.String),
    )


def _first_lines(path: Path) -> list[str]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = [line for line in islice(file, SNIFFED_LINES) if line.strip()]
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} must be UTF-8 text. Received: {error}. Convert it.") from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise SchemaError(f"{path} is no whole gzip file: {error}. Write it again.") from error
    if not lines:
        raise SchemaError(f"{path} is empty. Remove it or write it again.")
    return lines


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter))


def _delimiter(lines: list[str], num_columns: int) -> str:
    """Returns the delimiter that splits the first lines into equally many fields."""

    def fit(delimiter: str) -> tuple[bool, bool, int]:
        counts = [len(_fields(line, delimiter)) for line in lines]
        return counts[0] == num_columns, len(set(counts)) == 1 and counts[0] > 1, counts[0]

    return max(DELIMITERS, key=fit)
