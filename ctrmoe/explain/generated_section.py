"""FGCNN's generated features as tables, bars and a heatmap."""

from __future__ import annotations

from typing import Any

import polars as pl

from ctrmoe.explain.generated import generated_features
from ctrmoe.explain.plots import bars, heatmap
from ctrmoe.explain.sample import Sample
from ctrmoe.report.section import Plot, Section
from ctrmoe.run import Run

MAX_BARS = 20
TEXT = (
    "A generated feature is a token of several entries; each entry is one number, named block · "
    "feature · entry. Its correlation with a label is Pearson's, with the 95 % interval by "
    "Fisher's z. With many entries some exceed their interval by chance alone: it holds for "
    "an entry chosen beforehand, not for the largest of all.",
    "The correlation with a raw field is the multiple one, between 0 and 1: of the entry and the "
    "linear combination of the field's token nearest it.",
)


def generated_section(run: Run, sample: Sample, progress: Any = None) -> Section | None:
    """Explains a run by its generated features; None if it has none, or there are no labels."""
    found = generated_features(run, sample, progress=progress) if sample.labels else None
    if found is None:
        return None
    table, fields = found
    named = table.with_columns(
        pl.concat_str(["block", "feature", "entry"], separator=" · ").alias("entry")
    ).drop("block", "feature")
    tops = {task: named.filter(task=task).head(MAX_BARS) for task in run.tasks}
    return Section(
        name="generated-features",
        title="Generated features",
        text=TEXT,
        plots=(*(_bars(task, top) for task, top in tops.items()), _heatmap(fields)),
        tables={"generated_features": table, "generated_features_fields": fields},
        excerpts={
            f"Entries with the strongest correlation with {task}": top.drop("task")
            for task, top in tops.items()
        },
    )


def _bars(task: str, top: pl.DataFrame) -> Plot:
    top = top.drop_nulls("correlation")
    values, low, high = (top[name].to_list() for name in ("correlation", "low", "high"))
    title = f"Correlation of generated entries with {task}"
    png = bars(top["entry"].to_list(), [("Pearson's r, 95 % interval", values, low, high)], title)
    return Plot(f"generated_features_{task}", f"{title}: the {len(top)} strongest", png)


def _heatmap(fields: pl.DataFrame) -> Plot:
    names = fields["field"].unique(maintain_order=True).to_list()
    features = fields.select("block", "feature").unique(maintain_order=True).iter_rows()
    matrix = fields["correlation"].to_numpy().reshape(-1, len(names))
    title = "Generated features and raw fields: multiple correlation, mean of the entries"
    png = heatmap(matrix, [f"{block} · {feature}" for block, feature in features], names, title)
    return Plot("generated_features_fields", title, png)
