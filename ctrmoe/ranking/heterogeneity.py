"""Which features tell more in some parts of the rows than in others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ctrmoe.ranking.significance import q_values


class Pooled(NamedTuple):
    """The effects of a feature in several parts taken together.

    Args:
        effect: Their mean, weighted by the inverses of their variances.
        effect_std: Its standard error.
        spread: Standard deviation between the parts, their errors taken off.
        q_statistic: Cochran's Q.
        p_value: Probability of a Q as high where the parts do not differ.
    """

    effect: float
    effect_std: float
    spread: float
    q_statistic: float
    p_value: float


def pooled(effects: np.ndarray, stds: np.ndarray) -> Pooled:
    """Compares effects with known errors.

    With w_d = 1 / σ_d² and the weighted mean e: Q = Σ w_d (e_d - e)², chi-squared with D - 1
    degrees of freedom where all are the same; spread² = (Q - (D - 1)) / (Σ w_d - Σ w_d² / Σ w_d),
    at least 0.

    Args:
        effects: Of two parts at least.
        stds: Their standard errors, above 0.

    Reference:
        Cochran, 1954, "The combination of estimates from different experiments", Biometrics 10;
        DerSimonian, Laird, 1986, "Meta-analysis in clinical trials", Controlled Clinical Trials 7
        (the spread).
    """
    weights, freedom = 1 / np.square(stds), len(effects) - 1
    whole = weights.sum()
    mean = float((weights * effects).sum() / whole)
    q = float((weights * np.square(effects - mean)).sum())
    variance = (q - freedom) / (whole - np.square(weights).sum() / whole)
    spread = float(np.sqrt(max(variance, 0.0)))
    return Pooled(mean, float(1 / np.sqrt(whole)), spread, q, float(chdtrc(freedom, q)))


def heterogeneity(by_part: pl.DataFrame, kind: str, level: float) -> pl.DataFrame:
    """Compares the effects of each feature between the parts.

    Args:
        by_part: What `Breakdown.result` returns.
        kind: The column that names the parts.
        level: Most false discoveries among the features that differ, as a share.

    Returns:
        A row for each task and feature, first those that differ (`differs`), then by spread: the
        number of parts with an effect, the columns of `Pooled`, q-values (Benjamini-Hochberg in
        each task), and the parts of the lowest and highest effect. Figures of features with an
        error in fewer than two parts are null.
    """
    tasks = by_part["task"].unique(maintain_order=True)
    return pl.concat([_of_task(by_part.filter(task=task), kind, level) for task in tasks])


def _of_task(by_part: pl.DataFrame, kind: str, level: float) -> pl.DataFrame:
    rows = [
        {"task": part["task"][0], "feature": part["feature"][0], **_row(part, kind)}
        for part in by_part.partition_by("feature", maintain_order=True)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    p_values = frame["p_value"].cast(pl.Float64).to_numpy()
    frame = frame.with_columns(
        pl.Series("q_value", q_values(p_values)).fill_nan(None),
        pl.col(*Pooled._fields).cast(pl.Float64),
    ).with_columns(differs=(pl.col("q_value") <= level).fill_null(False))
    order = ["differs", "spread", "p_value", "feature"]
    ordered = frame.sort(order, descending=[True, True, False, False], nulls_last=True)
    first = ["task", "feature", f"{kind}s", *Pooled._fields, "q_value", "differs"]
    return ordered.select(*first, pl.exclude(first))


def _row(part: pl.DataFrame, kind: str) -> dict[str, object]:
    known = part.filter(pl.col("effect_std") > 0).sort("effect")
    figures: dict[str, object] = {f"{kind}s": known.height, **dict.fromkeys(Pooled._fields)}
    if known.height > 1:
        effects, stds = known["effect"].to_numpy(), known["effect_std"].to_numpy()
        figures |= pooled(effects, stds)._asdict()
    for name, place in (("lowest", 0), ("highest", -1)):
        figures[f"{name}_{kind}"] = known[kind][place] if known.height else None
        figures[f"{name}_effect"] = known["effect"][place] if known.height else None
    return figures
