"""What a ranking says beside the order of single features."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ctrmoe import strict
from ctrmoe.ranking.combinations.choices import check_choice
from ctrmoe.ranking.combinations.combination_ranker import CombinationRanker
from ctrmoe.ranking.combinations.conditional_ranker import ConditionalRanker
from ctrmoe.schema import Schema, SchemaError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The further tables of a ranking; its arguments are those of `rank_combinations`."""

    order: int
    combinations: int
    choose: str
    redundancy: bool
    three_mr: bool
    given: Sequence[str]
    forward: int
    strata: int

    @property
    def nothing(self) -> bool:
        """Whether single features are all."""
        return self.order == 1 and not (
            self.redundancy or self.three_mr or self.given or self.forward
        )

    def names(self, schema: Schema) -> list[str]:
        """Returns the features that are combined: all but the lists.

        Raises:
            SchemaError: When what is wanted can't be had of them.
        """
        names = [feature.name for feature in schema.features if not feature.is_list]
        for feature in schema.features:
            if feature.is_list:
                logger.warning("Feature `%s` is a list: it is in no combination.", feature.name)
        check_choice(self.choose, self.combinations)
        for rule, holds in self._rules(names):
            if not holds:
                raise SchemaError(rule)
        for place, name in enumerate(self.given):
            if name not in names or name in self.given[:place]:
                raise SchemaError(
                    "`given` must name features that are no lists, each once. Received: "
                    f"{name!r}.{strict.suggestion(name, names)}"
                )
        return names

    def tables(
        self, ranker: CombinationRanker, knowing: ConditionalRanker, known: pl.DataFrame | None
    ) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yields the tables of a task under their names.

        Args:
            ranker: Of the combinations.
            knowing: Of what features add to others.
            known: The redundancy, if it was measured on the rows of another task.
        """
        if self.order > 1:
            pairs = ranker.pairs(self.order, self.combinations, self.choose)
            yield "pairs", pairs
        if (self.redundancy or self.three_mr) and known is None:
            known = ranker.redundancy(self.combinations)
            yield "redundancy", known
        if self.three_mr and known is not None:
            yield "three_mr", ranker.three_mr(pairs, known)
        if self.given:
            yield "conditional", knowing.conditional(self.given)
        if self.forward:
            yield "forward", knowing.forward(self.given, self.forward)

    def _rules(self, names: Sequence[str]) -> list[tuple[str, bool]]:
        return [
            (
                "`order` must lie between 1 and the number of features that are no lists, "
                f"{len(names)}. Received: {self.order}.",
                1 <= self.order <= len(names),
            ),
            (
                "`three_mr` must come with order 2: it takes what pairs tell together. Received: "
                f"order={self.order}.",
                not self.three_mr or self.order == 2,
            ),
            (
                f"`given` must leave a feature to score. Received: all {len(names)}.",
                len(self.given) < len(names),
            ),
            (f"`forward` must not be negative. Received: {self.forward}.", self.forward >= 0),
            (f"`strata` must not be negative. Received: {self.strata}.", self.strata >= 0),
        ]
