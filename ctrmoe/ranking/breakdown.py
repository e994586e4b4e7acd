"""The ranking by part of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.data.sources import Origin
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.feature_table import Place, empty_table, merge_tables
from ctrmoe.ranking.keys import Keys
from ctrmoe.ranking.memory import bytes_of, values_within
from ctrmoe.ranking.parts import Parts
from ctrmoe.ranking.ranking import in_order
from ctrmoe.ranking.scores import Score
from ctrmoe.ranking.transformed import Candidate
from ctrmoe.schema import Feature, Schema, SchemaError

SKETCH_SIZE = 1 << 10
"""As so many tables may be small, the estimate of many distinct values is coarser: 3 %."""
MEASURED = (
    "rank", "score", "score_std", "p_value", "q_value", "above_noise", "effect", "effect_std",
    "rows", "positives", "cardinality", "coverage",
)  # fmt: skip


class Breakdown:
    """Counts the features of each part of the rows, in the same pass as those of all rows.

    Args:
        parts: Divides the rows.
        schema: Its features are ranked against its tasks.
        memory: Most bytes of counts; it decides how many values are counted one by one.

    Raises:
        SchemaError: When the memory is too little for so many parts.
    """

    def __init__(self, parts: Parts, schema: Schema, memory: int) -> None:
        self.parts = parts
        self._number = len(parts) * len(schema.features) * len(schema.tasks)
        self.max_values = values_within(memory, self._number)
        self._schema = schema
        self._tables: dict[tuple[int, str, str], ContingencyTable] = {}

    @property
    def memory(self) -> int:
        """Bytes that the counts take at most."""
        return bytes_of(self._number, self.max_values)

    def divide(self, frame: pl.DataFrame, where: Origin) -> dict[int, np.ndarray]:
        """Returns the rows of a chunk by the number of their part."""
        codes = self.parts.assign(frame, where)
        order = np.argsort(codes, kind="stable")
        numbers, starts = np.unique(codes[order], return_index=True)
        divided = zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)
        return {number: rows for number, rows in divided if number >= 0}

    def add(
        self,
        feature: Feature,
        frame: pl.DataFrame,
        keys: Keys,
        labels: Mapping[str, np.ndarray],
        folds: np.ndarray,
        divided: Mapping[int, np.ndarray],
    ) -> None:
        """Counts a feature in a chunk of rows.

        Args:
            feature: The feature.
            frame: The chunk.
            keys: The feature's values.
            labels: 0, 1 or negative by row, by the name of the task.
            folds: 0 or 1 by row.
            divided: What `divide` returns for the chunk.
        """
        for number, rows in divided.items():
            own = keys.at(rows, len(frame))
            for task in self._schema.tasks:
                place = (number, feature.name, task.name)
                if place not in self._tables:
                    self._tables[place] = empty_table(feature, frame, self.max_values, SKETCH_SIZE)
                self._tables[place].add(own, labels[task.name][rows], folds[rows])

    def merge(self, other: Breakdown) -> None:
        """Adds what was counted from other rows, divided into the same parts."""
        merge_tables(self._tables, other._tables)

    def result(
        self,
        name: str,
        score: Score,
        level: float,
        candidates: Sequence[tuple[Candidate, str]],
        statistics: Mapping[Place, NumericStatistics],
        run: Callable[..., Iterable[dict[str, object]]] = map,
    ) -> pl.DataFrame:
        """Returns a ranking for each task and part.

        A part without rows of both labels of a task has none for this task. `effect` is the score,
        of mutual information divided by p(1 - p), p the rate of the label in the part: where a
        feature shifts the log odds alike in two parts, it is about the same whatever their rates.

        Args:
            name: Of the score.
            score: The score.
            level: Of `above_noise`.
            candidates: What is ranked, each with the name of the task.
            statistics: Of the numbers in all rows, by feature and task.
            run: `map`, or another one that goes over the tables in threads.

        Raises:
            SchemaError: When no part has rows of both labels.
        """
        places = [
            (part, candidate, task)
            for part in range(len(self.parts))
            for candidate, task in candidates
            if self._has_classes(part, candidate.source, task)
        ]

        def row(place: tuple[int, Candidate, str]) -> dict[str, object]:
            part, candidate, task = place
            table = self._tables[part, candidate.source, task]
            if candidate.is_transformed:
                table = candidate.transformed(table, statistics[candidate.source, task])
            figures = _figures(table, name, score)
            return {"task": task, "_part": part, "feature": candidate.feature.name} | figures

        rows = list(run(row, places))
        if not rows:
            raise SchemaError(
                f"A {self.parts.kind} must have rows of label 0 and of label 1. Received: none "
                f"that has, by column `{self.parts.column}`. Rank all rows together."
            )
        frame = pl.DataFrame(rows)
        frames = [
            in_order(part, name, type(score), level)
            for part in frame.partition_by("task", "_part", maintain_order=True)
        ]
        tasks = [task.name for task in self._schema.tasks]
        return (
            pl.concat(frames)
            .join(self.parts.table.with_row_index("_part"), on="_part", maintain_order="left")
            .sort(pl.col("task").cast(pl.Enum(tasks)), "_part", "rank")
            .select("task", *self.parts.table.columns, "feature", *MEASURED)
        )

    def _has_classes(self, part: int, feature: str, task: str) -> bool:
        table = self._tables.get((part, feature, task))
        return table is not None and bool(table.rows.sum(axis=0).all())


def _figures(table: ContingencyTable, name: str, score: Score) -> dict[str, object]:
    negatives, positives = table.rows.sum(axis=0).tolist()
    rows = negatives + positives
    unit = positives * negatives / rows**2 if score.is_information else 1.0
    value, std, p_value = score(table)
    return {
        "is_control": False,
        name: value,
        f"{name}_std": std,
        f"{name}_p_value": p_value,
        "effect": value / unit,
        "effect_std": std / unit,
        "rows": rows,
        "positives": positives,
        "cardinality": table.cardinality,
        "coverage": table.coverage,
    }
