"""A file with the types of its columns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ctrmoe.data.parquet import column_types
from ctrmoe.data.sources import SourceFile
from ctrmoe.schema import Schema


@dataclass(frozen=True, slots=True)
class TypedFile:
    """A file with the types of its columns.

    Args:
        source: The file.
        types: Of every column that it has.
    """

    source: SourceFile
    types: dict[str, pl.DataType]

    @classmethod
    def open(cls, source: SourceFile, schema: Schema) -> TypedFile:
        """Reads the types; the rows are not read."""
        return cls(source, column_types(source, schema))

    @property
    def is_text(self) -> bool:
        """Whether it is a CSV file or its kin, whose columns are text whatever they mean."""
        return self.source.frame is None and not self.source.is_parquet
