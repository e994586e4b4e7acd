"""The scores that are computed of counts."""

from __future__ import annotations

from typing import Literal, get_args

from ctrmoe import strict
from ctrmoe.ranking.scores import SCORES, CorrectedMI, Score
from ctrmoe.schema import SchemaError

Null = Literal["permutation", "analytic", "shift"]


def counted_scores(null: Null, repeats: int, seed: int) -> dict[str, Score]:
    """Returns one of each of `SCORES`, by name.

    Args:
        null: Of `corrected_mi`; `shift` is counted in mini-batches beside the tables, whose own
            score then is that of `permutation`.
        repeats: Of the permutation null; 0 for its exact mean and variance.
        seed: Of the repeats.

    Raises:
        SchemaError: When an argument is out of range.
    """
    if null not in get_args(Null):
        raise SchemaError(
            f"`null` must be one of {', '.join(get_args(Null))}. Received: {null!r}."
            + strict.suggestion(null, get_args(Null))
        )
    scores = {name: kind() for name, kind in SCORES.items() if name != "corrected_mi"}
    try:
        own = CorrectedMI("permutation" if null == "shift" else null, repeats, seed)
    except ValueError as error:
        raise SchemaError(str(error)) from None
    return {**scores, "corrected_mi": own}
