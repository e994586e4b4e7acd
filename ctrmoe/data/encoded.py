"""Encoded tables: row groups of ids, numbers and labels, written by preparation, read in training.

One column a feature, by its name: int32 for one id, a fixed-size list of int32 for several,
float32 for a number; a fixed-size list of float32 for weights, as `weights:<feature>`;
`label:<task>` int8; `domain:id` int32.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ctrmoe.data.packed import DOMAIN, LABEL_PREFIX, WEIGHTS_PREFIX, Encoded
from ctrmoe.data.parquet import open_parquet
from ctrmoe.schema import Feature, Schema, SchemaError

ROW_GROUP_ROWS = 32_768
FILE_ROWS = 128 * ROW_GROUP_ROWS


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group of an encoded table.

    Args:
        path: Its file.
        index: Its number in the file.
        rows: Its number of rows.
    """

    path: Path
    index: int
    rows: int


def list_row_groups(part_folder: str | Path) -> list[RowGroup]:
    """Lists the row groups of an encoded table in order; reads the files' footers only.

    Raises:
        SchemaError: When the folder holds no encoded table.
    """
    paths = sorted(Path(part_folder).glob("part-*.parquet"))
    if not paths:
        raise SchemaError(
            f"{part_folder} must hold a table that `prepare` wrote. It holds no part-*.parquet."
        )
    groups = []
    for path in paths:
        footer = pq.read_metadata(path)
        for index in range(footer.num_row_groups):
            groups.append(RowGroup(path, index, footer.row_group(index).num_rows))
    return groups


def read_encoded(
    part_folder: str | Path,
    schema: Schema,
    *,
    shard: tuple[int, int] = (0, 1),
    row_groups: Sequence[RowGroup] | None = None,
) -> Iterator[tuple[Encoded, dict[str, np.ndarray]]]:
    """Reads an encoded table, one row group after the other.

    Args:
        part_folder: The folder of one part, such as `prepared/train`.
        schema: The schema of the prepared folder.
        shard: `(number, count)`: of the row groups, every `count`-th is read from `number` on.
        row_groups: The row groups to read, in this order, instead of all of them.

    Yields:
        The packed rows and the int8 labels by the name of their task.
    """
    groups = list_row_groups(part_folder) if row_groups is None else row_groups
    files: dict[Path, pq.ParquetFile] = {}
    for group in groups[shard[0] :: shard[1]]:
        if group.path not in files:
            files[group.path] = pq.ParquetFile(group.path)
        table = files[group.path].read_row_group(group.index)
        yield _unpack(table, schema)


def read_labels(group: RowGroup, schema: Schema) -> dict[str, np.ndarray]:
    """Reads the int8 labels of a row group only."""
    names = [LABEL_PREFIX + task.name for task in schema.tasks]
    table = pq.ParquetFile(group.path).read_row_group(group.index, columns=names)
    return {name.removeprefix(LABEL_PREFIX): table[name].to_numpy() for name in names}


def read_domain(group: RowGroup) -> np.ndarray:
    """Reads the ids of the domains of a row group only."""
    table = pq.ParquetFile(group.path).read_row_group(group.index, columns=[DOMAIN])
    ids: np.ndarray = table[DOMAIN].to_numpy()
    return ids


class EncodedWriter:
    """Writes an encoded table as row groups of equal size into numbered files.

    Args:
        folder: The folder of one part.
        schema: The schema of the prepared folder.
    """

    def __init__(self, folder: Path, schema: Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._arrow = arrow_schema(schema)
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._file_rows = 0
        self._files = 0
        self._open = ExitStack()
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> EncodedWriter:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray]) -> None:
        """Appends rows, given as one array a feature, that of the domain, and the labels."""
        table = _as_table(arrays, labels, self._schema, self._arrow)
        self._pending.append(table)
        self._pending_rows += len(table)
        if self._pending_rows >= ROW_GROUP_ROWS:
            self._flush(self._pending_rows // ROW_GROUP_ROWS * ROW_GROUP_ROWS)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._open:
            if error is None and self._pending_rows:
                self._flush(self._pending_rows)

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._pending)
        for start in range(0, rows, ROW_GROUP_ROWS):
            self._write_group(table.slice(start, min(ROW_GROUP_ROWS, rows - start)))
        self._pending = [table.slice(rows)]
        self._pending_rows -= rows

    def _write_group(self, table: pa.Table) -> None:
        if self._writer is None or self._file_rows >= FILE_ROWS:
            self._open.close()
            # Of the codecs tried, LZ4 on separated bytes writes and reads fastest: ids are small,
            # most of their high bytes are equal.
            opened = open_parquet(
                self._folder / f"part-{self._files:05d}.parquet",
                self._arrow,
                compression="lz4",
                use_dictionary=False,
                column_encoding="BYTE_STREAM_SPLIT",
                write_statistics=False,
            )
            self._writer = self._open.enter_context(opened)
            self._files += 1
            self._file_rows = 0
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
        self._file_rows += len(table)


def arrow_schema(schema: Schema) -> pa.Schema:
    """Returns the columns of an encoded table."""

    def kind(feature: Feature) -> pa.DataType:
        if feature.is_list:
            element = pa.field("element", pa.int32(), nullable=False)
            return pa.list_(element, feature.max_length)
        return pa.float32() if feature.is_value else pa.int32()

    fields = [(feature.name, kind(feature)) for feature in schema.features]
    for feature in schema.weighted:
        weight = pa.field("element", pa.float32(), nullable=False)
        fields.append((WEIGHTS_PREFIX + feature.name, pa.list_(weight, feature.max_length)))
    fields += [(LABEL_PREFIX + task.name, pa.int8()) for task in schema.tasks]
    if schema.domain:
        fields.append((DOMAIN, pa.int32()))
    return pa.schema([pa.field(name, dtype, nullable=False) for name, dtype in fields])


def _as_table(
    arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray], schema: Schema, arrow: pa.Schema
) -> pa.Table:
    columns = []
    for feature in schema.features:
        column = pa.array(arrays[feature.name].reshape(-1))
        if feature.is_list:
            column = pa.FixedSizeListArray.from_arrays(column, type=arrow.field(feature.name).type)
        columns.append(column)
    for name in (WEIGHTS_PREFIX + feature.name for feature in schema.weighted):
        weights = pa.array(arrays[name].reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(weights, type=arrow.field(name).type))
    columns += [pa.array(labels[task.name]) for task in schema.tasks]
    if schema.domain:
        columns.append(pa.array(arrays[DOMAIN]))
    return pa.Table.from_arrays(columns, schema=arrow)


def _unpack(table: pa.Table, schema: Schema) -> tuple[Encoded, dict[str, np.ndarray]]:
    def values(name: str) -> np.ndarray:
        column = table[name].combine_chunks()
        flat = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
        return flat.to_numpy()

    names = [feature.name for feature in schema.features]
    names += [WEIGHTS_PREFIX + feature.name for feature in schema.weighted]
    arrays = {name: values(name) for name in names}
    if schema.domain:
        arrays[DOMAIN] = values(DOMAIN)
    labels = {task.name: values(LABEL_PREFIX + task.name) for task in schema.tasks}
    return Encoded.pack(schema, arrays, len(table)), labels
