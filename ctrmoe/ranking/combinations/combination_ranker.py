"""Ranks combinations of features of which the single ones are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ctrmoe.ranking.combinations.choices import Batch, Single, chosen_combinations
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.counting import each_combination
from ctrmoe.ranking.combinations.measure import Measure
from ctrmoe.ranking.combinations.redundancy import Redundancy
from ctrmoe.ranking.combinations.table import member_columns, ranked_combinations
from ctrmoe.ranking.combinations.three_mr import three_mr

MEMBERS = member_columns(2)


@dataclass(frozen=True, slots=True)
class CombinationRanker:
    """Ranks combinations by what they tell about one task.

    Args:
        reader: Of the features' categories.
        scores: What each feature tells by itself; features without an entry are left out.
        level: Of what is above noise.
        memory: Most bytes of categories and counts.
        threads: Over the combinations.
        seed: Of what is drawn.
        on_done: Called with the number of combinations that were just counted.
    """

    reader: CodeReader
    scores: Mapping[str, float]
    level: float
    memory: int
    threads: int
    seed: int
    on_done: Callable[[int], None] | None = None

    def pairs(self, order: int, combinations: int, choose: str) -> pl.DataFrame:
        """Returns the columns of `pairs.parquet`.

        Raises:
            SchemaError: When an argument is out of range, or the memory is too small.
        """
        encoders = self.reader.encoders
        batches = self._batches(order, combinations, choose)
        found = each_combination(
            self.reader, batches, Measure, self.memory, self.threads, self.on_done
        )
        rows = [
            {
                "task": self.reader.task,
                **dict(zip(member_columns(order), names, strict=True)),
                "cardinality_is_exact": all(encoders[name].is_exact for name in names),
                **figures,
            }
            for names, figures in found.items()
        ]
        return ranked_combinations(rows, order, self.level)

    def redundancy(self, combinations: int) -> pl.DataFrame:
        """Returns the columns of `redundancy.parquet`, of the rows with a label of the task.

        Raises:
            SchemaError: When the memory is too small.
        """
        found = each_combination(
            self.reader,
            self._batches(2, combinations, "guided"),
            lambda codes: Redundancy(codes, self.seed),
            self.memory,
            self.threads,
            self.on_done,
        )
        rows = [(*names, value) for names, value in found.items()]
        return pl.DataFrame(rows, ["feature_a", "feature_b", "redundancy"], orient="row")

    def three_mr(self, pairs: pl.DataFrame, redundancy: pl.DataFrame) -> pl.DataFrame:
        """Returns the columns of `three_mr.parquet`.

        Args:
            pairs: What `pairs` returned at order 2.
            redundancy: What `redundancy` returned.
        """
        relation, red = (
            {frozenset((a, b)): value for a, b, value in frame.select(*MEMBERS, name).iter_rows()}
            for frame, name in ((pairs, "score"), (redundancy, "redundancy"))
        )
        order = three_mr(self.scores, red, relation)
        return order.select(pl.lit(self.reader.task).alias("task"), pl.all())

    def _batches(self, order: int, combinations: int, choose: str) -> list[Batch]:
        encoders = self.reader.encoders
        singles = [Single(n, score, encoders[n].categories) for n, score in self.scores.items()]
        return chosen_combinations(choose, order, combinations, singles, self.seed)
