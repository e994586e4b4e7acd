"""Preparation: vocabularies from the training part, then every part encoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ctrmoe.data.domains import SplitDomains, check_domains
from ctrmoe.data.dtypes import resolve_dtypes
from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.data.encoded import EncodedWriter
from ctrmoe.data.fit import Fitter, owners
from ctrmoe.data.labels import check_labels, read_labels
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.parquet import (
    atomic_folder,
    check_columns,
    column_types,
    count_rows,
    read_files,
)
from ctrmoe.data.sources import SourceFile, Table, find_files
from ctrmoe.data.spill import Spill
from ctrmoe.data.split import PARTS, RandomSplit, TimeSplit, parse_split
from ctrmoe.data.summary import PartCounts
from ctrmoe.data.summary import PreparedSummary as PreparedSummary
from ctrmoe.schema import Schema, SchemaError

CHUNK_ROWS = 131_072
"""Several are under way at once: half of the usual number saves a quarter of the memory."""
Progress = Callable[[str, int, int | None], None]
"""Called with the stage, the rows done in it and their number, None where it is not known."""


def prepare(
    schema: Schema,
    train: Table,
    *,
    valid: Table = (),
    test: Table = (),
    split: str | None = None,
    seed: int = 0,
    out: str | Path,
    chunk_rows: int = CHUNK_ROWS,
    progress: Progress | None = None,
) -> PreparedSummary:
    """Fits vocabularies on the training part and writes every part encoded.

    Args:
        schema: What the columns mean.
        train: Files, globs, folders or frames of the training part.
        valid: Those of the validation part.
        test: Those of the test part.
        split: Divides `train` instead: `random:` or `time:` and the fractions of train, valid
            and, if there is a third, test.
        seed: Of the random split.
        out: The folder to write; it must be empty or not exist. It appears when it is complete.
        chunk_rows: Rows held in memory at once.
        progress: Called after every chunk.

    Raises:
        SchemaError: When the tables do not fit the schema; nothing is written then.
    """
    started = time.perf_counter()
    sources = {
        part: find_files(given)
        for part, given in zip(PARTS, (train, valid, test), strict=True)
        if part == "train" or _given(given)
    }
    report = progress or (lambda stage, rows, total: None)
    with atomic_folder(out) as folder:
        division = parse_split(split, seed, sources["train"], schema) if split else None
        _check(sources, division, schema)
        spill = Spill(folder / "spill")
        encoder, code_ids = _fit(schema, sources["train"], division, chunk_rows, report, spill)
        encoder.save(folder)
        preparation = _Preparation(encoder, folder, chunk_rows, report)
        parts = division.parts if division else ("train",)
        preparation.write_spilled(spill, parts, code_ids)
        for part in PARTS[1:]:
            if part in sources:
                preparation.encode(sources[part], part)
        summary = preparation.summary()
    summary.seconds = time.perf_counter() - started
    return summary


def _given(table: Table) -> bool:
    return table is not None and (not isinstance(table, list | tuple) or bool(table))


def _check(
    sources: dict[str, list[SourceFile]], division: RandomSplit | TimeSplit | None, schema: Schema
) -> None:
    """Refuses before the first row is read what can be seen without reading rows."""
    for part in division.parts[1:] if division else ():
        if part in sources:
            raise SchemaError(
                f"`{part}` must not be given where `split` makes that part. Leave one of them out."
            )
    for part, files in sources.items():
        wanted = _wanted(schema, division if part == "train" else None)
        for file in files:
            types = column_types(file, schema)
            check_labels(schema, types, str(file))
            check_columns(wanted, types, str(file))


def _fit(
    schema: Schema,
    files: list[SourceFile],
    division: RandomSplit | TimeSplit | None,
    chunk_rows: int,
    report: Progress,
    spill: Spill,
) -> tuple[Encoder, dict[str, np.ndarray]]:
    """Counts the training rows; keeps all rows for the second pass, which needs no raw file."""
    fitter = Fitter(*resolve_dtypes(schema, files))
    refuse = division is not None and schema.unknown_domains == "refuse"
    domains = SplitDomains(owners(schema, fitter.domain_dtype)[DOMAIN]) if refuse else None
    total, done = _total(files), 0
    for frame, where, _ in read_files(files, _wanted(schema, division), schema, chunk_rows):
        labels = read_labels(schema, frame, where)
        parts = division.assign(frame, done) if division else np.zeros(len(frame), np.int8)
        chunk = fitter.add(frame, where, parts == 0 if division else None)
        if domains:
            domains.add(frame, where, parts != 0)
        spill.write(chunk, labels, parts.astype(np.int8))
        done += len(frame)
        report("fit", done, total)
    encoder = Encoder.from_counts(fitter)
    if domains:
        domains.check(encoder.vocabularies[DOMAIN])
    return encoder, fitter.code_ids(encoder.vocabularies)


def _wanted(schema: Schema, division: RandomSplit | TimeSplit | None) -> tuple[str, ...]:
    """The raw columns that are read."""
    labels = [task.label for task in schema.tasks]
    names = [*raw_columns(schema), *labels, *(division.columns if division else ())]
    return tuple(dict.fromkeys(names))


def _total(files: list[SourceFile]) -> int | None:
    counts = [count_rows(file) for file in files]
    return None if None in counts else sum(filter(None, counts))


class _Preparation:
    """Writes the encoded parts and counts what goes into them."""

    def __init__(self, encoder: Encoder, folder: Path, chunk_rows: int, report: Progress) -> None:
        self._encoder = encoder
        self._folder = folder
        self._chunk_rows = chunk_rows
        self._report = report
        self._counts = {part: PartCounts() for part in PARTS}

    def encode(self, files: list[SourceFile], part: str) -> None:
        """Reads raw files and writes a part."""
        schema = self._encoder.schema
        total = _total(files)
        with EncodedWriter(self._folder / part, schema) as writer:
            for frame, where, first in read_files(
                files, _wanted(schema, None), schema, self._chunk_rows
            ):
                labels = read_labels(schema, frame, where)
                arrays = self._encoder.arrays(frame, where)
                check_domains(self._encoder, frame, arrays.get(DOMAIN), where)
                self._write(writer, part, arrays, labels)
                self._report(f"encode {part}", first + len(frame), total)
        self._check(part)

    def write_spilled(
        self, spill: Spill, parts: tuple[str, ...], code_ids: dict[str, np.ndarray]
    ) -> None:
        """Writes the parts that the fitted files were divided into."""
        schema = self._encoder.schema
        done = 0
        with ExitStack() as stack:
            writers = [
                stack.enter_context(EncodedWriter(self._folder / name, schema)) for name in parts
            ]
            for chunk, labels, numbers in spill.read():
                arrays = self._encoder.recode(chunk, code_ids)
                for number, (part, writer) in enumerate(zip(parts, writers, strict=True)):
                    rows = np.flatnonzero(numbers == number) if len(parts) > 1 else slice(None)
                    self._write(writer, part, _rows(arrays, rows), _rows(labels, rows))
                done += len(numbers)
                self._report("encode train", done, spill.rows)
        for part in parts:
            self._check(part)

    def _write(
        self,
        writer: EncodedWriter,
        part: str,
        arrays: dict[str, np.ndarray],
        labels: dict[str, np.ndarray],
    ) -> None:
        writer.write(arrays, labels)
        self._counts[part].add(self._encoder, arrays, labels)

    def _check(self, part: str) -> None:
        self._counts[part].check(part, [task.name for task in self._encoder.schema.tasks])

    def summary(self) -> PreparedSummary:
        encoder = self._encoder
        counts = {part: count for part, count in self._counts.items() if count.rows}
        sizes = {f.name: encoder.vocabulary_size(f.name) for f in encoder.schema.features}
        return PreparedSummary(
            rows={part: count.rows for part, count in counts.items()},
            positives={part: dict(count.positives) for part, count in counts.items()},
            vocabulary_sizes={name: size for name, size in sizes.items() if size},
            unknown_rates={part: count.unknown_rates() for part, count in counts.items()},
            line_breaks=encoder.line_breaks,
            no_numbers={name: (t.count, t.first) for name, t in encoder.no_numbers.items()},
        )


def _rows(columns: dict[str, np.ndarray], rows: np.ndarray | slice) -> dict[str, np.ndarray]:
    return {name: column[rows] for name, column in columns.items()}
