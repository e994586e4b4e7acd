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
    score, p = frame["score"].to_numpy(), frame["p_value"].to_numpy()
    above = family_p_values(p) <= level
    members = member_columns(order)
    by_name = np.lexsort([frame[name].to_numpy() for name in reversed(members)])
    by_name = np.argsort(by_name)
    sequence = np.lexsort((by_name, -score, np.where(above, -1.0, p), ~above))
    return (
        frame.with_columns(
            q_value=pl.Series(q_values(p)),
            above_noise=pl.Series(above),
            synergy_above_noise=pl.Series(
                family_p_values(frame["synergy_p_value"].to_numpy()) <= level
            ),
        )[sequence]
        .with_row_index("rank", offset=1)
        .with_columns(pl.col("rank").cast(pl.Int64))
        .select("task", *members, *FIGURES)
    )
