"""Ranks the features of files on disk, and combinations of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import polars as pl

from ctrmoe.data.parquet import CHUNK_ROWS
from ctrmoe.data.sources import Table, find_files
from ctrmoe.ranking.combinations.bins import bins_of
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.combination_ranker import CombinationRanker
from ctrmoe.ranking.combinations.conditional_ranker import ConditionalRanker
from ctrmoe.ranking.combinations.wanted import Wanted
from ctrmoe.ranking.encoder import Encoder
from ctrmoe.ranking.memory import MEMORY
from ctrmoe.ranking.rank import rank_tables
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema

MOST_COMBINATIONS = 1 << 15


def rank_combinations(  # noqa: PLR0913 - its options
    schema: Schema,
    data: Table | Iterable[Table],
    *,
    order: int = 2,
    combinations: int = MOST_COMBINATIONS,
    choose: str = "guided",
    redundancy: bool | None = None,
    three_mr: bool = False,
    given: Sequence[str] = (),
    forward: int = 0,
    strata: int = 0,
    chunk_rows: int = CHUNK_ROWS,
    fdr: float = 0.05,
    memory: int = MEMORY,
    threads: int | None = None,
    seed: int = 0,
    on_combinations: Callable[[int], None] | None = None,
    **options: Any,
) -> dict[str, pl.DataFrame]:
    """Ranks single features as `rank_tables` does, then combinations of them.

    Lists are in no combination.

    Args:
        schema: Its features are ranked against its tasks.
        data: Files, globs, folders or frames: read once for the single features, and for each task
            once for each set of features that fits into memory together.
        order: Features of a combination.
        combinations: Most combinations that a row counts for; all where there are no more.
        choose: How so many are chosen: a name of `CHOICES`.
        redundancy: Whether to say how much of each feature each other one tells, on the rows of the
            first task; at order 2 where it is None.
        three_mr: Whether to order the features by `three_mr`; at order 2.
        given: Features that are known: every other one is scored by what it adds to them.
        forward: Most features that are added to these, one after the other.
        strata: Most strata of the given features, which rare combinations of their values share by
            their label rate; 0 for a stratum of each combination.
        chunk_rows: Rows read at once; the result does not depend on it.
        fdr: Level of what is above noise.
        memory: Most bytes, first of the counts of single features, then of combinations.
        threads: As many as polars has where it is None.
        seed: Of what is drawn.
        on_combinations: Called with the number of combinations that were just counted.
        options: Of `rank_tables`.

    Returns:
        The tables of `rank_tables`, and where asked for `pairs` with `bins`, `redundancy`,
        `three_mr`, `conditional` and `forward`, as docs/data.md explains them.

    Raises:
        SchemaError: When the data does not fit the schema, or an argument is out of range.
    """
    wanted = Wanted(
        order,
        combinations,
        choose,
        order == 2 if redundancy is None else redundancy,
        three_mr,
        given,
        forward,
        strata,
    )
    files, threads = find_files(data), threads or pl.thread_pool_size()
    options |= {"chunk_rows": chunk_rows, "fdr": fdr, "memory": memory, "threads": threads}
    options |= {"seed": seed}
    if wanted.nothing:
        return rank_tables(schema, files, **options)
    names = wanted.names(schema)
    encoders: dict[str, dict[str, Encoder]] = {}
    bins: list[pl.DataFrame] = []

    def keep(ranker: Ranker) -> None:
        for task in schema.tasks:
            encoders[task.name] = {}
            for name in names:
                counts = ranker.counts(name, task.name)
                encoders[task.name][name] = counts.encoder()
                bins.append(bins_of(task.name, name, counts))

    tables = rank_tables(schema, files, on_counted=keep, **options)
    memory -= sum(e.nbytes for of_task in encoders.values() for e in of_task.values())
    parts: dict[str, list[pl.DataFrame]] = {}
    for task in schema.tasks:
        of_task = tables["ranking"].filter(task=task.name)
        told = dict(of_task.select("feature", pl.col("corrected_mi").fill_null(0)).iter_rows())
        scores, rows = {name: told[name] for name in names}, of_task["rows"][0]
        reader = CodeReader(files, schema, task, encoders[task.name], rows, chunk_rows, threads)
        ranker = CombinationRanker(reader, scores, fdr, memory, threads, seed, on_combinations)
        knowing = ConditionalRanker(reader, names, fdr, memory, threads, strata, on_combinations)
        known = parts["redundancy"][0] if "redundancy" in parts else None
        for name, table in wanted.tables(ranker, knowing, known):
            parts.setdefault(name, []).append(table)
    if order > 1:
        parts["bins"] = bins
    return tables | {name: pl.concat(frames) for name, frames in parts.items()}
