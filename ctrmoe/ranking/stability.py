"""How steady the features are over time."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.ranking.estimate import UNDEFINED, Estimate, two_sided
from ctrmoe.ranking.heterogeneity import heterogeneity
from ctrmoe.ranking.significance import q_values

MIN_COMPARED = 3


def trend(slices: np.ndarray, effects: np.ndarray, stds: np.ndarray) -> Estimate:
    """Returns by how much an effect grows from a slice to the next, by weighted least squares.

    The error is that of the weights 1 / σ²; it is widened by sqrt(χ² / (D - 2)) where the effects
    lie further from the line than their errors say.

    Args:
        slices: Numbers of the slices.
        effects: Of each slice.
        stds: Their standard errors, above 0.
    """
    if len(slices) < 2:
        return UNDEFINED
    weights = 1 / np.square(stds)
    away = slices - (weights * slices).sum() / weights.sum()
    width = (weights * np.square(away)).sum()
    slope = float((weights * away * effects).sum() / width)
    mean = (weights * effects).sum() / weights.sum()
    left = float((weights * np.square(effects - mean - slope * away)).sum())
    wider = max(1.0, left / (len(slices) - 2)) if len(slices) > 2 else 1.0
    std = float(np.sqrt(wider / width))
    return Estimate(slope, std, two_sided(slope / std))


def stability(by_time: pl.DataFrame, level: float) -> pl.DataFrame:
    """Compares each feature between the slices.

    Args:
        by_time: What `Breakdown.result` returns for time slices.
        level: Most false discoveries among the features that differ, as a share.

    Returns:
        The columns of `heterogeneity`, and those of the trend with q-values (Benjamini-Hochberg in
        each task); mean, lowest and highest rank and their standard deviation.
    """
    rows = [
        {"task": part["task"][0], "feature": part["feature"][0], **_trend(part)}
        for part in by_time.partition_by("task", "feature", maintain_order=True)
    ]
    types = {"trend": pl.Float64, "trend_std": pl.Float64, "trend_p_value": pl.Float64}
    trends = pl.DataFrame(rows, schema_overrides=types)
    trends = pl.concat(
        part.with_columns(
            pl.Series("trend_q_value", q_values(part["trend_p_value"].to_numpy()))
        ).with_columns(pl.selectors.float().fill_nan(None))
        for part in trends.partition_by("task", maintain_order=True)
    )
    ranks = by_time.group_by("task", "feature").agg(
        rank_mean=pl.col("rank").mean(),
        rank_std=pl.col("rank").std(),
        rank_min=pl.col("rank").min(),
        rank_max=pl.col("rank").max(),
    )
    result = heterogeneity(by_time, "slice", level)
    for columns in (trends, ranks):
        result = result.join(columns, on=["task", "feature"], maintain_order="left")
    return result


def with_agreement(by_time: pl.DataFrame) -> pl.DataFrame:
    """Adds `kendall`: Kendall's tau-b of the scores in a slice and in the one before.

    Of the features that are above noise in any slice, as the order of the others says little; null
    for the first slice, and where fewer than three features are compared.
    """
    above = by_time.filter(pl.col("above_noise").any().over("task", "feature"))
    rows = []
    for task in by_time["task"].unique(maintain_order=True):
        scores = above.filter(task=task).pivot("slice", index="feature", values="score")
        numbers = by_time.filter(task=task)["slice"].unique().sort().to_list()
        before = [None, *numbers[:-1]]
        for earlier, number in zip(before, numbers, strict=True):
            tau = None if earlier is None else _tau(scores, str(earlier), str(number))
            rows.append({"task": task, "slice": number, "kendall": tau})
    found = pl.DataFrame(rows, schema={"task": pl.String, "slice": pl.Int64, "kendall": pl.Float64})
    return by_time.join(found, on=["task", "slice"], maintain_order="left")


def _trend(part: pl.DataFrame) -> dict[str, float]:
    known = part.filter(pl.col("effect_std") > 0)
    columns = (known[name].to_numpy() for name in ("slice", "effect", "effect_std"))
    value, std, p_value = trend(*columns)
    return {"trend": value, "trend_std": std, "trend_p_value": p_value}


def _tau(scores: pl.DataFrame, first: str, second: str) -> float | None:
    from scipy.stats import kendalltau  # half a second, for slices of time only

    if scores.height < MIN_COMPARED or not {first, second} <= set(scores.columns):
        return None
    known = scores.select(first, second).drop_nulls()
    if known.height < MIN_COMPARED:
        return None
    tau = float(kendalltau(known[first].to_numpy(), known[second].to_numpy()).statistic)
    return None if np.isnan(tau) else tau
