"""Checking a table, alone and against another one."""

from __future__ import annotations

import time
from collections.abc import Callable

from ctrmoe.data.parquet import CHUNK_ROWS
from ctrmoe.data.sources import Table, find_files
from ctrmoe.ranking.quality.checks import CHECKS
from ctrmoe.ranking.quality.column_profile import MAX_KEYS
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.plan import plan_columns, shared
from ctrmoe.ranking.quality.report import QualityReport
from ctrmoe.ranking.quality.statistics import statistics
from ctrmoe.ranking.quality.table_profile import MAX_ROWS, TableProfile
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.schema import Schema, SchemaError


def check(
    data: Table,
    schema: Schema,
    *,
    against: Table = (),
    chunk_rows: int = CHUNK_ROWS,
    max_keys: int = MAX_KEYS,
    max_rows: int = MAX_ROWS,
    on_rows: Callable[[int], None] | None = None,
) -> QualityReport:
    """Looks for what is wrong with a table; every file is read once.

    Counts are exact up to `max_keys` values of a column and `max_rows` different rows. Above,
    cardinality is HyperLogLog's (0.4 % standard error), numbers share bins, and categories and rows
    are compared on a share of them that is drawn by hash, about `max_keys` and `max_rows` of them.
    Nothing depends on `chunk_rows`.

    Args:
        data: Files, globs, folders or frames.
        schema: What the columns mean, and the limits.
        against: Another table: a later part, or the log of the served model. It may lack the
            labels.
        chunk_rows: Rows held in memory at once.
        max_keys: Most values of a column that are counted one by one.
        max_rows: Most rows that are compared one by one.
        on_rows: Called with the number of rows of each chunk.

    Raises:
        SchemaError: If a file can't be read, or a table has no rows.
    """
    started = time.perf_counter()
    parts = [[TypedFile.open(source, schema) for source in find_files(data)]]
    if not _is_empty(against):
        parts.append([TypedFile.open(source, schema) for source in find_files(against)])
    files = [file for part in parts for file in part]
    plan = plan_columns(schema, files)
    compared = shared((file.types for file in files), plan)
    profiles = []
    for part in parts:
        profile = TableProfile(schema, plan, compared, max_keys=max_keys, max_rows=max_rows)
        for file in part:
            profile.add_file(file, chunk_rows=chunk_rows, on_rows=on_rows)
        if not profile.rows:
            raise SchemaError(f"{profile.name} has no rows. Check the path.")
        profiles.append(profile)
    tables = Tables(schema, *profiles)
    return QualityReport(
        findings=tuple(_findings(tables)),
        statistics=statistics(tables),
        rows=tables.data.rows,
        against_rows=tables.against.rows if tables.against else 0,
        seconds=time.perf_counter() - started,
    )


def _findings(tables: Tables) -> list[Finding]:
    found = [finding for find in CHECKS.values() for finding in find(tables)]
    return sorted(found, key=lambda finding: finding.order)


def _is_empty(table: Table) -> bool:
    return isinstance(table, list | tuple) and not table
