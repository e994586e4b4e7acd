"""Columns whose type is not the same in all files."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ctrmoe.ranking.quality.column import Column, type_group
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.table_profile import FileRows
from ctrmoe.ranking.quality.tables import Tables

NAME = "types"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the types of each column: numbers, text, times or lists; CSV files have none."""
    files = [file for table in tables.each() for file in table.files]
    for name, column in tables.data.plan.items():
        known = [file for file in files if name in file.types and not file.is_text]
        typed = [file for file in known if type_group(file.types[name]) != "null"]
        for file in typed:
            rule, mend = _broken_rule(column, file, typed[0])
            if rule:
                yield Finding(
                    check=NAME,
                    severity="error" if name in tables.data.columns else "note",
                    column=name,
                    message=f"Column `{name}` must {rule}. Received: {file.types[name]} in "
                    f"{file.name}{mend}.",
                )


def _broken_rule(column: Column, file: FileRows, first: FileRows) -> tuple[str, str]:
    """Returns the rule that a file breaks and how to mend it, empty texts if there is none."""
    dtype, other = file.types[column.name], first.types[column.name]
    if type_group(dtype) == "other":
        return "hold numbers, text, times or lists of them", ". Write its parts as columns"
    if type_group(dtype) != type_group(other):
        return "have one type in all files", f", {other} in {first.name}. Cast one of them"
    if column.kind == "number" and type_group(dtype) == "time":
        return "hold numbers, as the schema says", ". Cast it, or declare it categorical"
    if column.kind in ("value", "list") and dtype == pl.Duration:
        return "hold text or whole numbers, as the schema says", ". Cast it"
    if not column.fits(dtype):
        if column.kind == "list":
            return "hold lists, as the schema says", ". Leave `max_length` out of the schema"
        return "hold one value a row, as the schema says", ". Give its `max_length` in the schema"
    return "", ""
