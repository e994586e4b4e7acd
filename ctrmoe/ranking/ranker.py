"""Ranks the features of a table by what they tell about each task, in one pass over its rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import polars as pl

from ctrmoe.data import columns
from ctrmoe.data.labels import check_labels
from ctrmoe.data.sources import UNNAMED, Origin
from ctrmoe.ranking.breakdown import Breakdown
from ctrmoe.ranking.classes import check_classes
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.controls import (
    CONTROLS,
    PERMUTED_LABEL,
    Control,
    check_names,
    permuted_label,
)
from ctrmoe.ranking.counted_scores import Null, counted_scores
from ctrmoe.ranking.estimate import UNDEFINED, columns_of
from ctrmoe.ranking.feature_table import Place, empty_table, merge_tables
from ctrmoe.ranking.keys import Keys, feature_keys, mixed
from ctrmoe.ranking.memory import MEMORY, bytes_of, values_within
from ctrmoe.ranking.parts import Parts
from ctrmoe.ranking.ranking import ranked
from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.shift_null import ShiftNull
from ctrmoe.ranking.surrogates import Surrogate
from ctrmoe.ranking.surrogates.build import build_score, name_of
from ctrmoe.ranking.surrogates.sampled import Sampled
from ctrmoe.ranking.transformed import Candidate, candidates, is_worth_a_score, statistics_of
from ctrmoe.schema import Feature, Schema, SchemaError, Task

logger = logging.getLogger(__name__)
R = TypeVar("R")
SCORE, LEVEL = "corrected_mi", 0.05
MOST_SEEDS = 1 << 31
"""LightGBM takes no larger ones."""


class Ranker:
    """Counts chunks of rows, then scores every feature against every task.

    The result is the same whatever the chunks and the number of threads; `shift` alone depends on
    the order of the rows and wants its mini-batches as the chunks.

    Args:
        schema: Its features are ranked against its tasks.
        score: What to rank by: a name of `SCORES` or `SURROGATES`, or a surrogate.
        null: Of `corrected_mi`: `permutation`, `analytic` or `shift`.
        repeats: Of the permutation null; 0 for its exact mean and variance.
        fdr: Level of `above_noise`.
        memory: Most bytes of counts; it decides how many values are counted one by one.
        threads: Over the features; as many as polars has where it is None.
        controls: Whether to rank features of noise, and the label itself, beside those of the
            schema.
        parts: Divisions of the rows by each of which the features are ranked too; the memory is
            divided among them and the whole in equal shares.
        transformers: A name of `PRESETS`: numeric features by so many formulas are ranked beside
            them, from the same counts; empty for none. Scores by a model know none of them.
        seed: Of the halves that the AUC divides the rows into, of the repeats and the controls.

    Raises:
        SchemaError: When an argument is out of range.
    """

    def __init__(  # noqa: PLR0913 - its options
        self,
        schema: Schema,
        *,
        score: str | Surrogate = SCORE,
        null: Null = "permutation",
        repeats: int = 0,
        fdr: float = LEVEL,
        memory: int = MEMORY,
        threads: int | None = None,
        controls: bool = False,
        parts: Sequence[Parts] = (),
        transformers: str = "",
        seed: int = 0,
    ) -> None:
        self._scores = counted_scores(null, repeats, seed)
        if not 0 < fdr < 1:
            raise SchemaError(f"`fdr` must lie between 0 and 1. Received: {fdr}.")
        if not 0 <= seed < MOST_SEEDS:
            raise SchemaError(f"`seed` must lie between 0 and {MOST_SEEDS - 1}. Received: {seed}.")
        self.schema = schema
        self.controls = CONTROLS if controls else ()
        self._features = (*schema.features, *(control.feature for control in self.controls))
        check_names(schema, self.controls)
        self._ranked = [Candidate(feature, feature.name) for feature in self._features]
        self._ranked += candidates(schema, transformers) if transformers else []
        share = memory // (1 + len(parts))
        self.max_values = values_within(share, len(self._features) * len(schema.tasks))
        self._fdr, self._seed = fdr, seed
        # The bits of large seeds wrap around.
        self._salt = np.uint64((seed << 40 | seed >> 24) % 2**64)
        self._threads = threads or pl.thread_pool_size()
        if isinstance(score, str):
            score = build_score(score, repeats=repeats, seed=seed, threads=self._threads)
        self._score = score if isinstance(score, str) else name_of(score)
        self.sampled: Sampled | None = None
        if not isinstance(score, str):
            if transformers:
                raise SchemaError(
                    "`transformers` must be left out where a model scores the features. Received: "
                    f"{transformers!r}, score={self._score!r}."
                )
            self.sampled = Sampled(score, schema, self.controls, seed)
        self.breakdowns = [Breakdown(division, schema, share) for division in parts]
        self._tables: dict[Place, ContingencyTable] = {}
        self._shifts: dict[Place, ShiftNull] = {}
        if null == "shift":
            self._shifts = {
                (feature.name, task.name): ShiftNull()
                for feature in self._features
                if not feature.is_list
                for task in schema.tasks
            }

    @property
    def memory(self) -> int:
        """Bytes that the counts take at most."""
        tables = len(self._features) * len(self.schema.tasks)
        return bytes_of(tables, self.max_values) + sum(part.memory for part in self.breakdowns)

    def counts(self, feature: str, task: str) -> ContingencyTable:
        """Returns what was counted of a feature, a number by its formula, for a task.

        Args:
            feature: The name of a feature, of a control or of a number by one of `transformers`.
            task: The name of a task.
        """
        found = next(c for c in self._ranked if c.feature.name == feature)
        return self._table(found, task)

    def add(self, frame: pl.DataFrame, where: Origin = UNNAMED, first_row: int = 0) -> None:
        """Counts a chunk of raw rows.

        Args:
            frame: The rows, with all columns of features and labels.
            where: Names them in error messages.
            first_row: Number of rows before them in the whole table.

        Raises:
            SchemaError: When a column or a value does not fit the schema.
        """
        check_labels(self.schema, frame.columns, where.name)
        labels = {t.name: columns.labels(frame[t.label], where) for t in self.schema.tasks}
        numbers = np.arange(first_row, first_row + len(frame))
        folds = (mixed(numbers.astype(np.uint64) + self._salt) & np.uint64(1)).astype(np.int8)

        if self.sampled:
            self.sampled.add(frame, numbers)
        divided = [breakdown.divide(frame, where) for breakdown in self.breakdowns]

        def count(feature: Feature) -> None:
            keys = feature_keys(frame, feature, where)
            for task in self.schema.tasks:
                self._count(feature, task, frame, keys, labels[task.name], folds)
            for breakdown, rows in zip(self.breakdowns, divided, strict=True):
                breakdown.add(feature, frame, keys, labels, folds, rows)

        def count_control(control: Control) -> None:
            for task in self.schema.tasks:
                keys = control.keys(numbers, labels[task.name], self._seed)
                self._count(control.feature, task, frame, keys, labels[task.name], folds)

        self._map(count, self.schema.features)
        self._map(count_control, self.controls)

    def merge(self, other: Ranker) -> None:
        """Adds what was counted from other rows, with the same arguments."""
        merge_tables(self._tables, other._tables)
        if self.sampled and other.sampled:
            self.sampled.merge(other.sampled)
        for mine, its in zip(self.breakdowns, other.breakdowns, strict=True):
            mine.merge(its)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Returns `ranking`, the `result`, and the rankings by part with what differs in them.

        Raises:
            SchemaError: As `result`.
        """
        # A model of a part would have too few rows of the sample.
        name = "corrected_mi" if self.sampled else self._score
        tables = {"ranking": self.result()}
        own = tables["ranking"].filter(~pl.col("is_control")).select("feature", "task")
        chosen = self._candidates(set(own.iter_rows()))
        by_formula = {(c.source, task) for c, task in chosen if c.is_transformed}
        numbers = {place: statistics_of(self._tables[place]) for place in by_formula}
        for breakdown in self.breakdowns:
            by_part = breakdown.result(
                name, self._scores[name], self._fdr, chosen, numbers, self._map
            )
            tables |= breakdown.parts.compared(by_part, self._fdr)
        return tables

    def result(self) -> pl.DataFrame:
        """Returns the ranking: a row for each task and feature.

        Raises:
            SchemaError: When there were no rows, or no label or only one in a task.
        """
        for task in self.schema.tasks:
            check_classes(task, self._tables.get((self._features[0].name, task.name)))
        places = [(found, task.name) for task in self.schema.tasks for found in self._ranked]
        rows = [row for row in self._map(lambda place: self._candidate_row(*place), places) if row]
        rows += [self._row(PERMUTED_LABEL, *drawn) for drawn in self._permuted_labels()]
        covered = {row["feature"] for row in rows if row["coverage"]}
        for feature in self.schema.features:
            if feature.name not in covered:
                logger.warning(
                    "Feature `%s` has no value in any row: it is ranked as noise.", feature.name
                )
        if self.sampled:
            return ranked(self.sampled.scored(rows), self._score, Surrogate, self._fdr)
        return ranked(rows, self._score, SCORES[self._score], self._fdr)

    def _count(
        self,
        feature: Feature,
        task: Task,
        frame: pl.DataFrame,
        keys: Keys,
        labels: np.ndarray,
        folds: np.ndarray,
    ) -> None:
        place = (feature.name, task.name)
        if place not in self._tables:
            self._tables[place] = empty_table(feature, frame, self.max_values)
        self._tables[place].add(keys, labels, folds)
        if place in self._shifts:
            self._shifts[place].add(keys.values, labels)

    def _candidates(self, places: Container[Place]) -> list[tuple[Candidate, str]]:
        return [
            (candidate, task.name)
            for candidate in self._ranked
            for task in self.schema.tasks
            if (candidate.feature.name, task.name) in places
        ]

    def _permuted_labels(self) -> list[tuple[str, ContingencyTable]]:
        if not self.controls:
            return []
        tasks = [task.name for task in self.schema.tasks]
        rows = {task: self._tables[self._features[0].name, task].rows for task in tasks}
        drawn = ((task, permuted_label(counts, self._seed)) for task, counts in rows.items())
        return [(task, table) for task, table in drawn if table]

    def _table(self, candidate: Candidate, task: str) -> ContingencyTable:
        # Not kept: all formulas of all numbers would take many times the memory of the counts.
        table = self._tables[candidate.source, task]
        if not candidate.is_transformed:
            return table
        return candidate.transformed(table, statistics_of(table))

    def _candidate_row(self, candidate: Candidate, task: str) -> dict[str, object] | None:
        table = self._table(candidate, task)
        own = candidate.feature.name == candidate.source
        return self._row(candidate.feature, task, table) if own or is_worth_a_score(table) else None

    def _row(self, feature: Feature, task: str, table: ContingencyTable) -> dict[str, object]:
        controls = (*(control.feature for control in self.controls), PERMUTED_LABEL)
        estimates = {name: score(table) for name, score in self._scores.items()}
        if self._shifts:
            shift = self._shifts.get((feature.name, task))
            estimates["corrected_mi"] = shift.estimate() if shift else UNDEFINED
        return {
            "task": task,
            "feature": feature.name,
            "is_control": any(feature is control for control in controls),
            "kind": feature.kind,
            "rows": int(table.rows.sum()),
            "cardinality": table.cardinality,
            "cardinality_is_exact": table.is_exact,
            "coverage": table.coverage,
            **columns_of(estimates),
        }

    def _map(self, function: Callable[..., R], items: Sequence[object]) -> list[R]:
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(function, items))
