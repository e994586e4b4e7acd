"""The order of combinations and the table that says it."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import numpy as np
import polars as pl

from ctrmoe.ranking.significance import family_p_values, q_values

FIGURES = (
    "score", "score_std", "p_value", "q_value", "above_noise", "rank", "cardinality",
    "cardinality_is_exact", "coverage", "synergy", "synergy_std", "synergy_p_value",
    "synergy_above_noise", "rows",
)  # fmt: skip


def member_columns(order: int) -> list[str]:
    """Returns `feature_a`, `feature_b`, …"""
    return [f"feature_{letter}" for letter in ascii_lowercase[:order]]


def ranked_combinations(
    rows: Sequence[dict[str, object]], order: int, level: float
) -> pl.DataFrame:
    """Orders the combinations of one task as `ranked` orders features.

    Args:
        rows: Of each combination, what `measure` returns, with task and features.
        order: Features of a combination.
        level: Of `above_noise` and `synergy_above_noise`, each a family of its own.
    """
    frame = pl.DataFrame(rows, infer_schema_length=None)
    synergy = family_p_values(frame["synergy_p_value"].to_numpy()) <= level
    members = member_columns(order)
    ordered = in_family_order(frame, members, level)
    return ordered.with_columns(synergy_above_noise=pl.Series(synergy)[ordered["place"]]).select(
        "task", *members, *FIGURES
    )


def in_family_order(frame: pl.DataFrame, names: Sequence[str], level: float) -> pl.DataFrame:
    """Says which rows are above noise, and orders and numbers them as `ranked` does.

    Args:
        frame: `score` and `p_value` of each row.
        names: Columns by which ties go.
        level: Of `above_noise`.
    """
    p = frame["p_value"].to_numpy()
    family = family_p_values(p)
    return (
        frame.with_columns(
            q_value=pl.Series(q_values(p)),
            family_p_value=pl.Series(family),
            above_noise=pl.Series(family <= level),
            second=pl.Series(np.where(family <= level, -1.0, p)),
        )
        .with_row_index("place")
        .sort(
            "above_noise",
            "second",
            "score",
            *names,
            descending=[True, False, True, *[False] * len(names)],
        )
        .with_row_index("rank", offset=1)
        .with_columns(pl.col("rank").cast(pl.Int64))
    )
