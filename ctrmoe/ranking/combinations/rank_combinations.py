"""Ranks the features of files on disk, and combinations of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import polars as pl

from ctrmoe.data.parquet import CHUNK_ROWS
from ctrmoe.data.sources import Table, find_files
from ctrmoe.ranking.combinations.choices import check_choice
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.combination_ranker import CombinationRanker
from ctrmoe.ranking.encoder import Encoder
from ctrmoe.ranking.memory import MEMORY
from ctrmoe.ranking.rank import rank_tables
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema, SchemaError

logger = logging.getLogger(__name__)
MOST_COMBINATIONS = 1 << 15


def rank_combinations(  # noqa: PLR0913 - its options
    schema: Schema,
    data: Table | Iterable[Table],
    *,
    order: int = 2,
    combinations: int = MOST_COMBINATIONS,
    choose: str = "guided",
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
        chunk_rows: Rows read at once; the result does not depend on it.
        fdr: Level of what is above noise.
        memory: Most bytes, first of the counts of single features, then of combinations.
        threads: As many as polars has where it is None.
        seed: Of what is drawn.
        on_combinations: Called with the number of combinations that were just counted.
        options: Of `rank_tables`.

    Returns:
        The tables of `rank_tables` and `pairs`, as the README explains them.

    Raises:
        SchemaError: When the data does not fit the schema, or an argument is out of range.
    """
    files, threads = find_files(data), threads or pl.thread_pool_size()
    names = _combined(schema, order)
    check_choice(choose, combinations)
    encoders: dict[str, dict[str, Encoder]] = {}

    def keep(ranker: Ranker) -> None:
        for task in schema.tasks:
            encoders[task.name] = {name: ranker.counts[name, task.name].encoder() for name in names}

    tables = rank_tables(
        schema,
        files,
        chunk_rows=chunk_rows,
        fdr=fdr,
        memory=memory,
        threads=threads,
        seed=seed,
        on_counted=keep,
        **options,
    )

    def rankers() -> Iterator[CombinationRanker]:
        for task in schema.tasks:
            of_task = tables["ranking"].filter(task=task.name)
            told = dict(of_task.select("feature", pl.col("corrected_mi").fill_null(0)).iter_rows())
            reader = CodeReader(
                files, schema, task, encoders[task.name], of_task["rows"][0], chunk_rows, threads
            )
            scores = {name: told[name] for name in names}
            yield CombinationRanker(reader, scores, fdr, memory, threads, seed, on_combinations)

    parts: dict[str, list[pl.DataFrame]] = {}
    for ranker in rankers():
        if order > 1:
            parts.setdefault("pairs", []).append(ranker.pairs(order, combinations, choose))
    return tables | {name: pl.concat(frames) for name, frames in parts.items()}


def _combined(schema: Schema, order: int) -> list[str]:
    """Returns the features that can be combined."""
    names = [feature.name for feature in schema.features if not feature.is_list]
    for feature in schema.features:
        if feature.is_list:
            logger.warning("Feature `%s` is a list: it is in no combination.", feature.name)
    if not 1 <= order <= len(names):
        raise SchemaError(
            f"`order` must lie between 1 and the number of features that are no lists, "
            f"{len(names)}. Received: {order}."
        )
    return names
