"""All figures of one task over one part of the rows."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

from ctrmoe.metrics._inputs import Labels, Scores
from ctrmoe.metrics.auc import auc, auc_interval
from ctrmoe.metrics.calibration import expected_calibration_error, pcoc
from ctrmoe.metrics.gauc import GAUC, gauc
from ctrmoe.metrics.logloss import logloss, normalized_entropy

REPORT_COLUMNS = {
    "domain": pl.String,
    "task": pl.String,
    "rows": pl.Int64,
    "auc": pl.Float64,
    "auc_low": pl.Float64,
    "auc_high": pl.Float64,
    "gauc": pl.Float64,
    "groups_used": pl.Int64,
    "groups_ignored": pl.Int64,
    "logloss": pl.Float64,
    "ne": pl.Float64,
    "ece": pl.Float64,
    "pcoc": pl.Float64,
    "positives": pl.Int64,
}


_NOT_IN_JSON = ("groups_used", "groups_ignored")


def json_figures(labels: Labels, logits: Scores, groups: pl.Series | None) -> dict[str, Any]:
    """Returns the figures that `ctrmoe evaluate --json` prints, None where undefined."""
    found = _figures(labels, logits, groups)
    return {name: figure for name, figure in found.items() if name not in _NOT_IN_JSON}


def report_figures(
    labels: Labels, logits: Scores, groups: pl.Series | None, level: float
) -> dict[str, Any]:
    """Returns those figures with the interval of the AUC and the numbers of groups."""
    low, high = auc_interval(labels, logits, level) or (None, None)
    found = _figures(labels, logits, groups)
    return {"rows": len(labels), "auc_low": low, "auc_high": high, **found}


def _figures(labels: Labels, logits: Scores, groups: pl.Series | None) -> dict[str, Any]:
    grouped = GAUC(None, 0, 0) if groups is None else gauc(labels, logits, groups)
    return {
        "auc": auc(labels, logits),
        "gauc": grouped.value,
        "groups_used": grouped.num_used,
        "groups_ignored": grouped.num_ignored,
        "logloss": _finite(logloss(labels, logits)),
        "ne": _finite(normalized_entropy(labels, logits)),
        "ece": expected_calibration_error(labels, logits),
        "pcoc": pcoc(labels, logits),
        "positives": int(labels.sum()),
    }


def _finite(figure: float | None) -> float | None:
    """None for infinity: JSON has no such number."""
    return figure if figure is not None and math.isfinite(figure) else None
