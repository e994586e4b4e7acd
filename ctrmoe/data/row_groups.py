"""Cuts parquet files into chunks of rows: several small row groups, or a piece of a large one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ctrmoe.data.coded import CodedText, coded_columns
from ctrmoe.data.sources import SourceFile

READ_BYTES = 1 << 20
"""Read at once of each column of a row group that pyarrow reads."""


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Raw rows, of which some columns of text are codes.

    Args:
        frame: The other columns.
        coded: Columns of text, by name.
    """

    frame: pl.DataFrame
    coded: Mapping[str, CodedText] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frame)


def read_row_groups(
    file: SourceFile,
    table: pl.LazyFrame,
    columns: Sequence[str],
    chunk_rows: int,
    texts: Mapping[str, bool],
) -> Iterator[RawChunk]:
    """Reads a parquet file chunk by chunk.

    Args:
        file: The file.
        table: The same, with its partitions.
        columns: Columns to read.
        chunk_rows: Most rows of a chunk; chunks end with a row group wherever one fits.
        texts: Columns that may come as codes; see `coded.coded_columns`.
    """
    # `collect_batches` of polars would be a little faster, but it holds several whole row groups
    # at once: 2.2 GB against 0.4 GB for a group of four million rows and forty columns.
    with pq.ParquetFile(file.path) as parquet:
        footer, arrow_reads = parquet.metadata, _same_types(parquet, table, columns)
        sizes = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
        wanted = {name: texts[name] for name in columns if name in texts}
        coded = [coded_columns(parquet, group, wanted) for group in range(len(sizes))]
    offset = 0
    for groups in _runs(sizes, chunk_rows):
        length = sum(sizes[groups.start : groups.stop])
        # The dictionaries of several groups differ: pyarrow can't join lists of them.
        leaves = coded[groups.start] if len(groups) == 1 else {}
        if arrow_reads and (leaves or length > chunk_rows):
            yield from _pieces(file, groups.start, columns, chunk_rows, leaves)
        else:
            for start in range(offset, offset + length, chunk_rows):
                size = min(chunk_rows, offset + length - start)
                yield RawChunk(table.select(columns).slice(start, size).collect())
        offset += length


def _runs(sizes: Sequence[int], chunk_rows: int) -> Iterator[range]:
    """Yields neighbouring row groups that fit one chunk, or one that does not."""
    start = length = 0
    for index, size in enumerate(sizes):
        if index > start and length + size > chunk_rows:
            yield range(start, index)
            start, length = index, 0
        length += size
    if length:
        yield range(start, len(sizes))


def _same_types(parquet: pq.ParquetFile, table: pl.LazyFrame, columns: Sequence[str]) -> bool:
    """Returns whether pyarrow reads the columns as polars does."""
    stored = pl.DataFrame(parquet.schema_arrow.empty_table()).schema
    known = table.collect_schema()
    read = [name for name in columns if name in stored]
    return bool(read) and all(stored[name] == known[name] for name in read)


def _pieces(
    file: SourceFile, group: int, columns: Sequence[str], chunk_rows: int, leaves: dict[str, int]
) -> Iterator[RawChunk]:
    """Cuts one row group; polars would decode all of it for each piece."""
    coded: dict[str, CodedText] = {}
    with pq.ParquetFile(
        file.path, buffer_size=READ_BYTES, read_dictionary=list(leaves.values())
    ) as parquet:
        stored = [name for name in columns if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(chunk_rows, row_groups=[group], columns=stored):
            coded = {name: CodedText.of(batch[name], coded.get(name)) for name in leaves}
            yield RawChunk(_frame(batch.drop_columns(list(leaves)), file, columns), coded)


def _frame(batch: pa.RecordBatch, file: SourceFile, columns: Sequence[str]) -> pl.DataFrame:
    frame = pl.DataFrame(batch)
    partitions = [name for name in columns if name in file.partitions and name not in frame]
    if partitions:
        values = (pl.lit(file.partitions[name], dtype=pl.String).alias(name) for name in partitions)
        frame = frame.with_columns(values)
    order = [name for name in columns if name in frame.columns]
    return frame if frame.columns == order else frame.select(order)
