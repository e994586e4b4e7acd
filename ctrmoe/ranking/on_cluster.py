"""Counts files on the workers of a Ray cluster; the extra `ray`."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence

from ctrmoe.cluster import cluster, results
from ctrmoe.data.parquet import count_rows, read_files
from ctrmoe.data.sources import SourceFile
from ctrmoe.extras import check_extra
from ctrmoe.ranking.ranker import Ranker


def count_on_cluster(
    ranker: Ranker,
    files: Sequence[SourceFile],
    names: Sequence[str],
    chunk_rows: int,
    workers: int | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> None:
    """Adds the rows of files to a ranker, each file counted by a worker.

    The counts are the same as in one process. All nodes need the package, and the files under the
    same paths; a lost worker's file goes to another one.

    Args:
        ranker: An empty one; each worker counts in a copy of it.
        files: The files.
        names: The columns that are read.
        chunk_rows: Rows that a worker reads at once.
        workers: Files counted at once; one a node where it is None.
        on_rows: Called with the number of rows of each file that is done.

    Raises:
        ConfigError: If Ray is not installed, or a file's workers are lost again and again.
        SchemaError: When a column or a value does not fit the schema.
    """
    check_extra("ray", "`--engine ray`")
    import ray

    with cluster(ray):
        empty = ray.put(ranker)
        parts = (
            (file, (empty, file, first, list(names), chunk_rows))
            for file, first in _with_first_rows(files, ranker, chunk_rows)
        )
        with contextlib.closing(results(ray, _counted, parts, workers, mend="")) as ended:
            for counted, rows in ended:
                # Arrays that come from another process can't be written to.
                ranker.merge(copy.deepcopy(counted))
                if on_rows:
                    on_rows(rows)


def _with_first_rows(
    files: Sequence[SourceFile], ranker: Ranker, chunk_rows: int
) -> Iterator[tuple[SourceFile, int]]:
    """Yields each file with the number of the rows before it: halves and controls go by them."""
    first, label = 0, ranker.schema.tasks[0].label
    for file in files:
        yield _absolute(file), first
        rows = count_rows(file)
        if rows is None:
            chunks = read_files([file], [label], ranker.schema, chunk_rows)
            rows = sum(len(frame) for frame, _, _ in chunks)
        first += rows


def _absolute(file: SourceFile) -> SourceFile:
    return dataclasses.replace(file, path=file.path.absolute()) if file.frame is None else file


def _counted(
    ranker: Ranker, file: SourceFile, first_row: int, names: list[str], chunk_rows: int
) -> tuple[Ranker, int]:
    """Runs on a worker: returns the counts and the number of rows."""
    rows = 0
    for frame, where, _ in read_files([file], names, ranker.schema, chunk_rows):
        ranker.add(frame, where, first_row + rows)
        rows += len(frame)
    return ranker, rows
