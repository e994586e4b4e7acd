"""CSV and its kin as a lazy table of text: the delimiter is found, the header is checked."""

from __future__ import annotations

import contextlib
import csv
import gzip
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from typing import TextIO

import polars as pl

from ctrmoe.schema import SchemaError

DELIMITERS = "\t,;|"
SNIFFED_LINES = 20
NO_DELIMITER = "\x01"
"""A character that no text holds; polars takes none of several bytes."""


def scan_delimited(path: Path, columns: Sequence[str] = ()) -> pl.LazyFrame:
    """Opens a delimited text file, gzipped or not; every column is text.

    Args:
        path: The file.
        columns: Names of the columns of a file without a header line.

    Raises:
        SchemaError: When the file is empty or no text, or its header does not fit its rows.
    """
    lines, blank = _first_lines(path)
    delimiter = _delimiter(lines, len(columns))
    first, *rows = _records(lines, delimiter)
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
    fields = min(map(len, rows), default=0)
    if fields > len(names):
        raise SchemaError(
            f"{path}: the first line must name every column. Received: {len(names)} names for "
            f"{fields} columns separated by {delimiter!r}. Remove what stands above the header, "
            "or name the columns by `columns` in the schema where there is none."
        )
    return pl.scan_csv(
        path,
        glob=False,
        separator=delimiter,
        # polars would leave doubled quotes in the names of a header line.
        has_header=False,
        skip_rows=blank + int(has_header),
        schema=dict.fromkeys(names, pl.String),
    )


def is_number(text: str) -> bool:
    """Returns whether a header's field looks like a value."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def short_line(path: Path) -> str:
    """Returns which line is blank or has fewer fields than the first one, empty where none has.

    polars takes the fields that a line lacks for missing values, a blank line for a row of them.
    Only where a line has too few delimiters, as one inside quotes may have too, the lines are read
    by their quotes.
    """
    lines, blank = _first_lines(path)
    delimiter = _delimiter(lines, 0)
    fields = len(_records(lines, delimiter)[0])
    whole_lines = pl.scan_csv(
        path,
        glob=False,
        has_header=False,
        skip_rows=blank,
        separator=NO_DELIMITER,
        quote_char=None,
        schema={"line": pl.String},
    )
    delimiters = pl.col("line").str.count_matches(delimiter, literal=True).fill_null(0)
    few = whole_lines.filter(delimiters < fields - 1).head(1).collect(engine="streaming")
    return first_fault(path) if len(few) else ""


def first_fault(path: Path) -> str:
    """Returns what is wrong with the first line that can't be read, empty where unknown."""
    lines, blank = _first_lines(path)
    delimiter = _delimiter(lines, 0)
    width = len(_records(lines, delimiter)[0])
    end = blank
    with _opened(path, errors="surrogateescape") as file, _long_fields():
        records = csv.reader(islice(file, blank, None), delimiter=delimiter, strict=True)
        try:
            for record in records:
                end = blank + records.line_num
                if not record and width > 1:
                    return f"line {end} is blank"
                if record and len(record) != width:
                    return f"line {end} has {len(record)} fields, the first line {width}"
                if any("\udc80" <= char <= "\udcff" for char in "".join(record)):
                    return f"line {end} is no UTF-8 text"
        except csv.Error as error:
            unclosed = "a quote that is never closed" if "end of data" in str(error) else error
            return f"line {end + 1}: {unclosed}"
    return ""


def _first_lines(path: Path) -> tuple[list[str], int]:
    """Returns the first lines that are not blank, and how many blank ones come before them."""
    try:
        with _opened(path) as file:
            read = list(islice(file, SNIFFED_LINES))
    except UnicodeDecodeError as error:
        raise SchemaError(
            f"{path} must be parquet or UTF-8 text. Received: {error}. Convert it, a text as with "
            "`iconv -f LATIN1 -t UTF-8`."
        ) from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise SchemaError(f"{path} is no whole gzip file: {error}. Write it again.") from error
    blank = sum(1 for _ in takewhile(lambda line: not line.strip(), read))
    lines = [line for line in read if line.strip()]
    if not lines:
        raise SchemaError(f"{path} is empty. Remove it or write it again.")
    if lines[0].lstrip()[0] in "{[":
        raise SchemaError(
            f"{path} must be parquet or delimited text. Received: JSON. Convert it, as with "
            "`polars.read_ndjson(…).write_parquet(…)`."
        )
    if lines[0].endswith("\r"):
        raise SchemaError(
            f"{path}: lines must end with a line feed. Received: carriage returns alone. Convert "
            "it, as with `tr '\\r' '\\n'`."
        )
    return lines, blank


def _opened(path: Path, errors: str | None = None) -> contextlib.AbstractContextManager[TextIO]:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", errors=errors, newline="")


def _records(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    with _long_fields():
        records = [record for record in csv.reader(lines, delimiter=delimiter) if record]
    # The last one may go on in lines that were not read.
    return records[:-1] if len(records) > 1 else records


@contextlib.contextmanager
def _long_fields() -> Iterator[None]:
    """Lifts the limit of 131,072 characters on a field."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _delimiter(lines: list[str], num_columns: int) -> str:
    """Returns the delimiter that splits the first lines into equally many fields."""

    def fit(delimiter: str) -> tuple[bool, bool, int, int]:
        counts = [len(record) for record in _records(lines, delimiter)]
        alike = len(set(counts)) == 1 and counts[0] > 1
        return counts[0] == num_columns, alike, counts[0], max(counts)

    return max(DELIMITERS, key=fit)
