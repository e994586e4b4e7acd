"""Permutation importance as a table and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from ctrmoe.explain.importance import permutation_importance
from ctrmoe.explain.plots import bars
from ctrmoe.explain.sample import Sample
from ctrmoe.report.section import Plot, Section
from ctrmoe.run import Run

MAX_BARS = 30
TEXT = (
    "The values of one feature go to other rows of the sample, all else stays: what the AUC loses "
    "and the log loss gains is what the model draws from this feature and from no other. Two "
    "features that say the same share the credit, each alone may look dispensable.",
    "The 95 % intervals are over the rows (DeLong's for the AUC), so that an interval that "
    "holds 0 means: on other rows the feature may as well not matter.",
)


def importance_section(
    run: Run,
    sample: Sample,
    *,
    repeats: int,
    seed: int,
    features: Sequence[str] | None,
    progress: Any = None,
) -> Section | None:
    """Explains a run by what it loses with each feature; None without repeats."""
    if not repeats:
        return None
    table = permutation_importance(
        run, sample, repeats=repeats, seed=seed, features=features, progress=progress
    )
    own = {task: table.filter(task=task) for task in run.tasks}
    return Section(
        name="importance",
        title="Permutation importance",
        text=(*TEXT, f"Mean of {repeats} permutation{'s' * (repeats > 1)} of each feature."),
        plots=tuple(_bars(task, rows) for task, rows in own.items() if rows["rows"][0]),
        tables={"importance": table},
        excerpts={
            f"All features, {task}": rows.drop("task", "rows", "positives", "auc", "logloss")
            for task, rows in own.items()
        },
    )


def _bars(task: str, rows: pl.DataFrame) -> Plot:
    top = rows.head(MAX_BARS)
    panels = []
    for name, heading in (("auc_drop", "drop in AUC"), ("logloss_rise", "rise in log loss")):
        if top[name].null_count() == 0:
            values, low, high = (top[name + end].to_list() for end in ("", "_low", "_high"))
            panels.append((heading, values, low, high))
    title = f"{task}: what the model loses without each feature"
    more = f", the first {len(top)} of {len(rows)} features" if len(rows) > len(top) else ""
    return Plot(f"importance_{task}", title + more, bars(top["feature"].to_list(), panels, title))
