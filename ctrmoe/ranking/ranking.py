"""The order of the features and the table that says it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl

from ctrmoe.data.atomic import atomic_file
from ctrmoe.data.parquet import AtomicParquetWriter
from ctrmoe.ranking.scores import SCORES, Score
from ctrmoe.ranking.significance import family_p_values, q_values
from ctrmoe.ranking.surrogates import Surrogate

PAGE = "report.html"
LEADING = (
    "task", "feature", "rank", "score", "score_std", "p_value", "q_value", "family_p_value",
    "above_noise", "is_control", "kind", "rows", "cardinality", "cardinality_is_exact", "coverage",
)  # fmt: skip


def ranked(
    rows: Iterable[dict[str, object]], name: str, score: type[Score | Surrogate], level: float
) -> pl.DataFrame:
    """Orders the features of each task.

    First come those above noise, by their score: the probability that any feature of noise is
    among them is at most `level`. (So is the expected share of noise, which `q_value` gives by
    itself: it lets a few more pass.) The others follow by their p-value, as a score within its
    error says nothing. Ties go by name. Controls have a place in the order, but are a family of
    their own: they change nothing of what is said about the others.

    Args:
        rows: Of each task and feature, the columns of the result but those that are added here.
        name: The score to rank by.
        score: Its class.
        level: Of `above_noise`.
    """
    by_task: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    frames = [in_order(pl.DataFrame(part), name, score, level) for part in by_task.values()]
    return pl.concat(frames).select(*LEADING, *_figures(name))


def write_tables(
    tables: Mapping[str, pl.DataFrame], out: str | Path, page: str | None = None
) -> None:
    """Writes each table as parquet and CSV; the files appear when all of them are complete.

    Args:
        tables: By the stem of their files.
        out: Folder.
        page: Text of `report.html` beside them.

    Raises:
        SchemaError: When the disk is full or the folder can't be written to.
    """
    out = Path(out)
    with ExitStack() as stack:
        for name, table in tables.items():
            table.write_csv(stack.enter_context(atomic_file(out / f"{name}.csv")))
            stack.enter_context(AtomicParquetWriter(out / f"{name}.parquet")).write(table)
        if page is not None:
            path = stack.enter_context(atomic_file(out / PAGE))
            path.write_text(page, encoding="utf-8")


def in_order(
    frame: pl.DataFrame, name: str, score: type[Score | Surrogate], level: float
) -> pl.DataFrame:
    """Orders the features of one task, and says which are above noise; see `ranked`.

    Args:
        frame: `feature`, `is_control`, and the columns of the score.
        name: The score to rank by.
        score: Its class.
        level: Of `above_noise`.
    """
    value, p = frame[name].to_numpy(), frame[f"{name}_p_value"].to_numpy()
    family, q = np.empty_like(p), np.empty_like(p)
    is_control = frame["is_control"].to_numpy()
    for group in (is_control, ~is_control):
        family[group], q[group] = family_p_values(p[group]), q_values(p[group])
    above = np.nan_to_num(family, nan=1.0) <= level
    strength = value - score.chance
    strength = np.nan_to_num(np.abs(strength) if score.signed else strength, nan=-math.inf)
    second = np.where(above, -1.0, np.nan_to_num(p, nan=2.0))
    order = np.lexsort((frame["feature"].to_numpy(), -strength, second, ~above))
    return (
        frame.with_columns(
            score=pl.col(name),
            score_std=pl.col(f"{name}_std"),
            p_value=pl.col(f"{name}_p_value"),
            q_value=pl.Series(q),
            family_p_value=pl.Series(family),
            above_noise=pl.Series(above),
        )[order]
        .with_row_index("rank", offset=1)
        .with_columns(pl.col("rank").cast(pl.Int64), pl.selectors.float().fill_nan(None))
    )


def _figures(name: str) -> list[str]:
    names = dict.fromkeys([*SCORES, name])
    return [f"{name}{suffix}" for name in names for suffix in ("", "_std", "_p_value")]
