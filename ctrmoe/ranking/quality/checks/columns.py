"""Columns of the schema that a file lacks, and columns that only the other table has."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.table_profile import FileRows
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.schema import Schema

NAME = "columns"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the columns of every file with the schema's, and those of the two tables."""
    for table in tables.each():
        for file in table.files:
            yield from _lacking(file, tables.schema, needs_labels=table is tables.data)
    if tables.against is not None:
        known = {name for file in tables.data.files for name in file.types}
        others = {name: file for file in reversed(tables.against.files) for name in file.types}
        for name in sorted(others.keys() - known):
            yield Finding(
                check=NAME,
                severity="note",
                column=name,
                message=f"Column `{name}` of {others[name].name} is in no file of the data. "
                "Nothing reads it until the schema names it.",
            )


def _lacking(file: FileRows, schema: Schema, needs_labels: bool) -> Iterator[Finding]:
    labels = [task.label for task in schema.tasks]
    needed = [*schema.raw_inputs, schema.domain, schema.group, schema.timestamp, *labels]
    for name in dict.fromkeys(filter(None, needed)):
        if name not in file.types:
            spared = name in labels and not needs_labels
            close = difflib.get_close_matches(name, file.types, n=1)
            hint = f" Did you mean `{close[0]}`?" if close else ""
            yield Finding(
                check=NAME,
                severity="note" if spared else "error",
                column=name,
                message=f"Column `{name}` is missing in {file.name}.{hint} Add it, or take it out "
                "of the schema.",
            )
