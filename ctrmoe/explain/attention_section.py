"""The attention of a run as tables, heatmaps and the strongest pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ctrmoe.explain.attention import AttentionFlow, attention_weights
from ctrmoe.explain.plots import heatmap, heatmap_grid
from ctrmoe.explain.sample import Sample
from ctrmoe.explain.slices import Slice
from ctrmoe.report.section import Plot, Section
from ctrmoe.run import Run

MAX_DOMAIN_MAPS = 4
MAX_PAIRS = 25
# Shown by domain: what the fields are to the prediction.
MAIN_FLOWS = ("fields_to_fields", "tasks_to_fields", "task_hubs_to_fields")
TEXT = (
    "Every row of a heatmap is a token that reads, every column one that is read. A row sums to 1. "
    "White is 1/n, the weight of each of n tokens that are read alike; red is read more, blue "
    "less. The means are taken over the sampled rows, and over layers and heads where none is "
    "named. The items of a sequence are numbered from the oldest that is kept, so that late "
    "numbers, which few rows have, weigh little.",
    "Attention shows where the model looks, not what it would lose: compare it with the "
    "permutation importance.",
)


def attention_section(run: Run, sample: Sample, progress: Any = None) -> Section | None:
    """Explains a run by its attention; None if its model has none."""
    flows = attention_weights(run, sample, progress=progress)
    if not flows:
        return None
    flows.sort(key=lambda flow: (flow.name not in MAIN_FLOWS, flow.name))
    shown = [flow for flow in flows if len(flow.keys) > 1]
    main = flows[0]
    plots = [_overall(flow) for flow in shown]
    if main in shown:
        plots[1:1] = [*_by_head(main), *_by_domain(main)]
    return Section(
        name="attention",
        title="Attention",
        text=TEXT,
        plots=tuple(plots),
        tables={"attention": pl.concat([flow.table() for flow in flows])},
        excerpts={f"Strongest weights, {_spoken(main)}": _strongest(main)},
    )


def _overall(flow: AttentionFlow) -> Plot:
    title = f"{_spoken(flow)}: mean of {_counted(flow)}, {flow.rows[0]:,} rows"
    matrix = flow.weights[0].mean(axis=(0, 1))
    png = heatmap(matrix, flow.queries, flow.keys, title, 1 / len(flow.keys))
    return Plot(f"attention_{flow.name}", title, png)


def _by_head(flow: AttentionFlow) -> list[Plot]:
    _, layers, heads, _, _ = flow.weights.shape
    if layers * heads < 2:
        return []
    panels = [
        (f"layer {layer}, head {head + 1}", flow.weights[0, i, head])
        for i, layer in enumerate(flow.layers)
        for head in range(heads)
    ]
    title = f"{_spoken(flow)}: each layer and head"
    png = heatmap_grid(panels, flow.queries, flow.keys, title, 1 / len(flow.keys))
    return [Plot(f"attention_{flow.name}_by_head", title, png)]


def _by_domain(flow: AttentionFlow) -> list[Plot]:
    panels = [
        (f"{part.domain} ({rows:,} rows)", weights.mean(axis=(0, 1)))
        for part, rows, weights in zip(flow.slices, flow.rows, flow.weights, strict=True)
        if part.domain is not None
    ][:MAX_DOMAIN_MAPS]
    if not panels:
        return []
    title = f"{_spoken(flow)}: the largest domains, mean of {_counted(flow)}"
    png = heatmap_grid(panels, flow.queries, flow.keys, title, 1 / len(flow.keys))
    return [Plot(f"attention_{flow.name}_by_domain", title, png)]


def _strongest(flow: AttentionFlow) -> pl.DataFrame:
    """The largest mean weights, and how they differ between the labels of each task."""
    means = flow.weights.mean(axis=(1, 2))
    order = np.argsort(-means[0], axis=None, kind="stable")[:MAX_PAIRS]
    query, key = np.unravel_index(order, means[0].shape)
    columns = {
        "reads": [flow.queries[i] for i in query],
        "is read": [flow.keys[i] for i in key],
        "weight": means[0, query, key],
        "weight · n": means[0, query, key] * len(flow.keys),
    }
    places = {part: i for i, part in enumerate(flow.slices)}
    for part in flow.slices:
        other = Slice(task=part.task, label=0)
        if part.label == 1 and other in places:
            change = means[places[part]] - means[places[other]]
            columns[f"{part.task}: 1 less 0"] = change[query, key]
    return pl.DataFrame(columns)


def _spoken(flow: AttentionFlow) -> str:
    return flow.name.replace("_", " ")


def _counted(flow: AttentionFlow) -> str:
    _, layers, heads, _, _ = flow.weights.shape
    layer, head = ("s" * (count > 1) for count in (layers, heads))
    return f"{layers} layer{layer} and {heads} head{head}"
