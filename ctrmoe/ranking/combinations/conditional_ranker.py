"""Ranks features by what they add to others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from ctrmoe.ranking.combinations.choices import Batch
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.codes import Codes
from ctrmoe.ranking.combinations.conditional import Conditional, Strata
from ctrmoe.ranking.combinations.counting import each_combination
from ctrmoe.ranking.combinations.table import in_family_order

logger = logging.getLogger(__name__)
MOST_ALONE = 0.5
"""Share of the rows without another one in their stratum from which a warning is due."""
CONDITIONAL = (
    "task", "given", "feature", "rank", "score", "score_std", "p_value", "q_value",
    "family_p_value", "above_noise", "strata", "strata_are_exact", "strata_loss",
)  # fmt: skip
"""Columns of `conditional.parquet`."""
FORWARD = {
    "task": pl.String,
    "step": pl.Int64,
    "given": pl.String,
    "feature": pl.String,
    "score": pl.Float64,
    "score_std": pl.Float64,
    "p_value": pl.Float64,
    "family_p_value": pl.Float64,
    "strata": pl.Int64,
    "strata_are_exact": pl.Boolean,
    "strata_loss": pl.Float64,
}
"""Columns of `forward.parquet`."""


@dataclass(frozen=True, slots=True)
class ConditionalRanker:
    """Ranks features by what they tell about one task where others are known.

    Args:
        reader: Of the features' categories.
        names: The features.
        level: Of what is above noise.
        memory: Most bytes of categories and counts.
        threads: Over the features.
        strata: Most strata, as `Conditional` has it.
        on_done: Called with the number of features that were just scored.
    """

    reader: CodeReader
    names: Sequence[str]
    level: float
    memory: int
    threads: int
    strata: int = 0
    on_done: Callable[[int], None] | None = None

    def conditional(self, given: Sequence[str]) -> pl.DataFrame:
        """Returns the columns of `conditional.parquet`, ordered as in `ranked`."""
        known: list[Strata] = []

        def scorer(codes: Codes) -> Conditional:
            score = Conditional(codes, given, self.strata)
            known.append(score.strata)
            return score

        others = [(*given, name) for name in self.names if name not in given]
        found = each_combination(
            self.reader, [Batch(others)], scorer, self.memory, self.threads, self.on_done
        )
        strata = known[0]  # they are the same whichever features are held beside the given ones
        if strata.are_exact and strata.alone > MOST_ALONE:
            _warn(given, strata.alone)
        frame = pl.DataFrame(
            [(names[-1], *estimate) for names, estimate in found.items()],
            ["feature", "score", "score_std", "p_value"],
            orient="row",
        ).with_columns(
            task=pl.lit(self.reader.task),
            given=pl.lit(",".join(given)),
            strata=pl.lit(strata.number, pl.Int64),
            strata_are_exact=pl.lit(strata.are_exact),
            strata_loss=pl.lit(strata.loss),
        )
        return in_family_order(frame, ["feature"], self.level).select(*CONDITIONAL)

    def forward(self, given: Sequence[str], steps: int) -> pl.DataFrame:
        """Adds the best feature given those before it, and again, until none is above noise.

        Args:
            given: Where to start.
            steps: Most features that are added.

        Returns:
            The columns of `forward.parquet`: the first line of `conditional` of each step.
        """
        chosen, found = list(given), [pl.DataFrame(schema=FORWARD)]
        while len(found) <= steps and len(chosen) < len(self.names):
            best = self.conditional(chosen)[:1]
            if not best["above_noise"][0]:
                break
            step = best.with_columns(step=pl.lit(len(found), pl.Int64))
            found.append(step.select(*FORWARD))
            chosen.append(best["feature"][0])
        return pl.concat(found)


def _warn(given: Sequence[str], alone: float) -> None:
    logger.warning(
        "%.0f %% of the rows are alone with their values of %s: nothing can be learned of them. "
        "With `strata` rare values share as many strata as you name.",
        100 * alone,
        ", ".join(f"`{name}`" for name in given),
    )
