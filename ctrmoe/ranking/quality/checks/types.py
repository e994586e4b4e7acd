"""Columns whose type is not the same in all files."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.plan import type_group
from ctrmoe.ranking.quality.table_profile import FileRows
from ctrmoe.ranking.quality.tables import Tables

NAME = "types"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the types of each column: numbers, text, times or lists; CSV files have none."""
    files = [file for table in tables.each() for file in table.files]
    for name in tables.data.plan:
        first: tuple[str, FileRows] | None = None
        for file in files:
            group = type_group(file.types[name]) if name in file.types else "null"
            if group == "null" or file.is_text:
                continue
            first = first or (group, file)
            if group == "other" or group != first[0]:
                yield _finding(name, file, first, read=name in tables.data.columns)


def _finding(name: str, file: FileRows, first: tuple[str, FileRows], read: bool) -> Finding:
    if first[1] is file:
        return Finding(
            check=NAME,
            severity="error" if read else "note",
            column=name,
            message=f"Column `{name}` must hold numbers, text, times or lists of them. Received: "
            f"{file.types[name]} in {file.name}. Write the parts that matter as columns.",
        )
    return Finding(
        check=NAME,
        severity="error" if read else "note",
        column=name,
        message=f"Column `{name}` must have one type in all files. Received: {file.types[name]} in "
        f"{file.name}, {first[1].types[name]} in {first[1].name}. Cast one of them.",
    )
