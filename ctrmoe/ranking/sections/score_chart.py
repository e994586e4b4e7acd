"""Scores as points with their intervals, and the level of noise behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from markupsafe import Markup

from ctrmoe.report.row_chart import Points, row_chart
from ctrmoe.report.scale import Scale

HEADINGS = {
    "ami": "adjusted mutual information (0: chance, 1: a copy of the label)",
    "auc": "AUC of the feature alone (0.5: chance)",
    "corrected_mi": "mutual information above chance, in nats",
    "lightgbm_gain": "gain of LightGBM's splits above that with shuffled labels, in nats per row",
    "max_value_coverage": "share of the most frequent pair of value and label",
    "mi": "mutual information, in nats",
    "pearson": "Pearson's correlation with the label",
    "spearman": "Spearman's correlation with the label",
    "surrogate": "log loss that a model of the feature takes off held-out rows, in nats per row",
}
BENT = ("ami", "corrected_mi", "lightgbm_gain", "mi", "surrogate")
"""Scores of sizes so different that a linear axis would show the first few only."""
BENT_TEXT = " The axis is linear within the noise and logarithmic beyond."
BAND = (0.05, 0.95)
"""Quantiles of what is not above noise: the few furthest have many values and little to say."""
DEVIATIONS = 1.96
"""Standard errors on each side of a score: an interval of 95 %."""


def heading(score: str) -> str:
    """Returns what the axis of a score is called, with its unit."""
    return HEADINGS.get(score, score.replace("_", " "))


def score_chart(
    names: Sequence[str],
    rows: pl.DataFrame,
    noise: pl.Series,
    score: str,
    title: str | None = None,
) -> Markup:
    """Draws the scores of rows: filled where they are above noise, else hollow.

    A score without a standard error has an interval of no length.

    Args:
        names: Of the rows.
        rows: The columns `score`, `score_std` and `above_noise`.
        noise: Scores of what is not above noise; a band holds nine in ten of them.
        score: Its name.
        title: Of the axis, where it is not that of the score.
    """
    value = rows["score"].to_numpy()
    reach = DEVIATIONS * rows["score_std"].fill_null(0.0).to_numpy()
    low, high = value - reach, value + reach
    known = noise.drop_nulls().to_numpy()
    band = np.quantile(known, BAND) if len(known) else known
    points = Points(
        title or heading(score),
        _scale(score, np.concatenate([low, high, band]), band, rows["score_std"]),
        value.tolist(),
        low.tolist(),
        high.tolist(),
        ["strong" if above else "weak" for above in rows["above_noise"]],
        band=(float(band[0]), float(band[1])) if len(band) else None,
    )
    return row_chart(names, points)


def _scale(score: str, ends: np.ndarray, band: np.ndarray, std: pl.Series) -> Scale:
    if score not in BENT:
        return Scale.around(ends)
    errors = std.drop_nulls().to_numpy()
    error = float(np.median(errors)) if len(errors) else 0.0
    size = float(np.abs(band).max(initial=0.0)) or error or float(np.abs(ends).max(initial=0.0))
    return Scale.around([*ends, 0.0], size or 1.0)
