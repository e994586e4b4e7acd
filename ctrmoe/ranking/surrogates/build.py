"""Makes a score of its name and its options."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ctrmoe import strict
from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.surrogates import SURROGATES, LightGBMGain, OneHotLogistic, Surrogate
from ctrmoe.ranking.surrogates.base import SAMPLE_ROWS
from ctrmoe.ranking.surrogates.lightgbm_gain import DEFAULT_REPEATS
from ctrmoe.schema import SchemaError


def build_score(
    name: str,
    *,
    reference: Sequence[str] = (),
    projection: int = 0,
    rows: int = SAMPLE_ROWS,
    repeats: int = 0,
    seed: int = 0,
    threads: int | None = None,
) -> str | Surrogate:
    """Returns the surrogate of a name, and the name of any other score as it is.

    Args:
        name: What to rank by.
        reference: Of `surrogate`.
        projection: Of `surrogate`.
        rows: Most rows that a surrogate learns from.
        repeats: Of `lightgbm_gain`; 0 for its default.
        seed: Of the surrogate.
        threads: Of the surrogate; as many as polars has where it is None.

    Raises:
        ConfigError: When a package is not installed.
        SchemaError: When there is no such score, or an option is out of range or not for it.
    """
    names = [*SCORES, *SURROGATES]
    if name not in names:
        raise SchemaError(
            f"`score` must be one of {', '.join(names)}. Received: {name!r}."
            + strict.suggestion(name, names)
        )
    if name != "surrogate" and (reference or projection):
        raise SchemaError(
            "`reference` and `projection` must be left out where the score is not surrogate. "
            f"Received: score={name!r}, reference={list(reference)}, projection={projection}."
        )
    if rows != SAMPLE_ROWS and name not in SURROGATES:
        raise SchemaError(
            f"`rows` of a sample must be left out where the score is none by a model. Received: "
            f"score={name!r}, rows={rows}. All rows are counted."
        )
    threads = threads or pl.thread_pool_size()
    try:
        if name == "surrogate":
            return OneHotLogistic(reference, projection, rows, seed, threads)
        if name == "lightgbm_gain":
            return LightGBMGain(repeats or DEFAULT_REPEATS, rows, seed, threads)
    except ValueError as error:
        raise SchemaError(str(error)) from None
    return name


def name_of(surrogate: Surrogate) -> str:
    """Returns the name of a surrogate."""
    return next(name for name, kind in SURROGATES.items() if isinstance(surrogate, kind))
