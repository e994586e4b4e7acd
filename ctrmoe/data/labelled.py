"""Raw tables with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from ctrmoe.data.domains import check_domains
from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.data.labels import check_labels
from ctrmoe.data.packed import Encoded
from ctrmoe.data.parquet import column_types, read_chunks
from ctrmoe.data.sources import Origin, find_files

CHUNK_ROWS = 65_536


def labelled_chunks(
    encoder: Encoder, paths: Iterable[str | Path]
) -> Iterator[tuple[pl.DataFrame, Encoded, dict[str, np.ndarray]]]:
    """Yields chunks of raw rows, the same encoded, and their labels by task.

    Args:
        encoder: Of the run that the rows are for.
        paths: Raw parquet or CSV files, globs or folders.

    Raises:
        SchemaError: For a missing column, a label outside {0, 1}, or an unknown domain where the
            schema refuses it.
    """
    schema = encoder.schema
    columns = [*raw_columns(schema), *(task.label for task in schema.tasks)]
    columns += [schema.group] if schema.group else []
    for source in find_files(paths):
        check_labels(schema, column_types(source, schema), str(source))
        row = 0
        for frame in read_chunks(source, columns, schema, CHUNK_ROWS):
            where = Origin(str(source), row)
            encoded = encoder.encode(frame, where)
            check_domains(encoder, frame, encoded.domain, where)
            yield frame, encoded, encoder.labels(frame, where)
            row += frame.height
