"""Ranks combinations of features of which the single ones are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from ctrmoe.ranking.combinations.choices import Single, chosen_combinations
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.counting import each_combination
from ctrmoe.ranking.combinations.measure import Measure
from ctrmoe.ranking.combinations.table import member_columns, ranked_combinations


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
        singles = [Single(n, score, encoders[n].categories) for n, score in self.scores.items()]
        batches = chosen_combinations(choose, order, combinations, singles, self.seed)
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
