"""Scores one file: its chunks side by side, its rows in their order."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass

import polars as pl

from ctrmoe.data.domains import check_domains
from ctrmoe.data.encode import raw_columns
from ctrmoe.data.parquet import (
    AtomicParquetWriter,
    check_columns,
    column_types,
    read_coded,
    to_arrow,
)
from ctrmoe.data.row_groups import RawChunk
from ctrmoe.data.sources import Origin, SourceFile
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import SUFFIX, Scorer
from ctrmoe.scoring.records import FileFailure, FileRecord, FileTask, checksum, source_state

CHUNK_ROWS = 16_384
"""Rows that one thread computes at once; the cuts are the same however many threads there are.

Each is a row group of the output: to join several would keep the raw columns that they were cut
from. `benchmarks/README.md` has what other numbers cost (memory.py).
"""


class _InputError(Exception):
    """The input is at fault, not the place of the output."""


@dataclass(frozen=True, slots=True)
class FileScoring:
    """How files are scored.

    Args:
        scorer: The model.
        keep: Columns to copy.
        threads: Compute the chunks.
        ahead: Chunks that are read before the oldest of them is written.
        on_rows: Called with the rows of each chunk written.
    """

    scorer: Scorer
    keep: Sequence[str]
    threads: Executor
    ahead: int
    on_rows: Callable[[int], None]

    def __call__(self, task: FileTask) -> FileRecord | FileFailure:
        """Scores a file; its output appears when it is whole."""
        start, state, rows = time.perf_counter(), source_state(task.source), 0
        try:
            schema = to_arrow(self._nothing(task.source)).schema
            # Hardly any probability occurs twice: a dictionary of them costs time and space.
            with AtomicParquetWriter(task.path, schema, use_dictionary=list(self.keep)) as writer:
                for table in self._tables(task.source):
                    writer.write(table)
                    rows += table.height
                    self.on_rows(table.height)
        except _InputError as error:
            return FileFailure(task.name, str(error))
        size, digest = task.path.stat().st_size, checksum(task.path)
        return FileRecord(task.name, rows, size, digest, state, time.perf_counter() - start)

    def _tables(self, source: SourceFile) -> Iterator[pl.DataFrame]:
        pending: deque[Future[pl.DataFrame]] = deque()
        for chunk, where in self._chunks(source):
            pending.append(self.threads.submit(self._scored, chunk, where))
            if len(pending) > self.ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _chunks(self, source: SourceFile) -> Iterator[tuple[RawChunk, Origin]]:
        schema, row = self.scorer.encoder.schema, 0
        columns = [*raw_columns(schema), *self.keep]
        needed = {*self.keep, schema.domain if schema.unknown_domains == "refuse" else ""}
        texts = self.scorer.encoder.plain_text
        may_be_codes = {name: texts[name] for name in texts.keys() - needed}
        with _input_errors():
            for chunk in read_coded(source, columns, may_be_codes, schema, CHUNK_ROWS):
                yield chunk, Origin(str(source), row)
                row += len(chunk)

    def _scored(self, chunk: RawChunk, where: Origin) -> pl.DataFrame:
        encoder = self.scorer.encoder
        with _input_errors():
            encoded = encoder.encode(chunk, where, side_by_side=False)
            check_domains(encoder, chunk.frame, encoded.domain, where)
        probabilities = self.scorer(encoded, side_by_side=False)
        return pl.DataFrame([*(chunk.frame[name] for name in self.keep), *probabilities])

    def _nothing(self, source: SourceFile) -> pl.DataFrame:
        with _input_errors():
            types = column_types(source, self.scorer.encoder.schema)
            check_columns(self.keep, types, str(source))
        probabilities = {task + SUFFIX: pl.Float32 for task in self.scorer.tasks}
        return pl.DataFrame(schema={**{name: types[name] for name in self.keep}, **probabilities})


@contextlib.contextmanager
def _input_errors() -> Iterator[None]:
    try:
        yield
    except SchemaError as error:
        raise _InputError(str(error)) from error
