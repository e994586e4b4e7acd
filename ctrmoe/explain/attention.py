"""Mean attention weights of a trained interaction over a sample of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.explain.interaction import TrainedInteraction
from ctrmoe.explain.sample import Sample
from ctrmoe.explain.slices import Slice, slices_of
from ctrmoe.prediction import batches, input_signature
from ctrmoe.run import Run

BATCH_SIZE = 128
MAX_DOMAINS = 10
# What the tokens of a flow are called that are neither fields, items of sequences nor tasks.
STEMS = {
    "field_proxies": "field proxy",
    "sequence_proxies": "sequence proxy",
    "task_proxies": "task proxy",
    "field_hubs": "field hub",
    "sequence_hubs": "sequence hub",
    "task_hubs": "shared task hub",
}


@dataclass(frozen=True, slots=True)
class AttentionFlow:
    """Mean weights of what one kind of tokens reads from another.

    Args:
        name: Such as `fields_to_fields`.
        queries: Names of the tokens that read.
        keys: Names of the tokens that are read.
        slices: What the means are taken over.
        rows: Rows of each slice; those without any key, as an empty sequence, do not count.
        layers: Numbers of the layers, the first being 1.
        weights: `[slices, layers, heads, queries, keys]`; those of a query sum to 1.
    """

    name: str
    queries: list[str]
    keys: list[str]
    slices: list[Slice]
    rows: np.ndarray
    layers: list[int]
    weights: np.ndarray

    def table(self) -> pl.DataFrame:
        """Returns a row for each weight; the mean of all layers and heads has none of either."""
        count, layers, heads = self.weights.shape[:3]
        single = self.weights.reshape(count, layers * heads, *self.weights.shape[3:])
        means = np.concatenate([single.mean(axis=1, keepdims=True), single], axis=1)
        part, unit, query, key = (index.ravel() for index in np.indices(means.shape, np.int32))
        layer_of = [None, *np.repeat(self.layers, heads).tolist()]
        head_of = [None, *np.tile(np.arange(1, heads + 1), layers).tolist()]

        def column(values: Sequence[Any], index: np.ndarray, dtype: Any) -> pl.Series:
            return pl.Series(values, dtype=dtype).gather(index)

        return pl.DataFrame(
            {
                "flow": column([self.name], np.zeros_like(part), pl.String),
                "domain": column([s.domain for s in self.slices], part, pl.String),
                "task": column([s.task for s in self.slices], part, pl.String),
                "label": column([s.label for s in self.slices], part, pl.Int8),
                "rows": column(self.rows.tolist(), part, pl.Int64),
                "layer": column(layer_of, unit, pl.Int16),
                "head": column(head_of, unit, pl.Int16),
                "query": column(self.queries, query, pl.String),
                "key": column(self.keys, key, pl.String),
                "weight": means.ravel(),
            }
        )


def attention_weights(
    run: Run, sample: Sample, *, progress: Callable[[str, int, int | None], None] | None = None
) -> list[AttentionFlow]:
    """Computes the mean attention of a run's interaction, layer by layer and head by head.

    The weights are those that the trained layers compute at inference. The means are taken over
    all rows, over those of each of the largest domains, and over those of each label of a task.

    Args:
        run: A finished run.
        sample: Rows to run it on.
        progress: Called with the stage, the rows done and their number.

    Returns:
        One entry for each flow; none if the model has no interaction that attends.
    """
    interaction = TrainedInteraction.find(run.model)
    if interaction is None or not hasattr(interaction.layer, "attention"):
        return []
    slices = slices_of(sample, MAX_DOMAINS)
    members = np.stack([mask.astype(np.float32) for mask in slices.values()], axis=1)
    sums = _sums(interaction, sample, members, progress)
    flows: dict[str, dict[int, Any]] = {}
    for (layer, flow), total in sums.items():
        flows.setdefault(flow, {})[layer] = total
    return [
        _flow(name, layers, list(slices), interaction, run.tasks) for name, layers in flows.items()
    ]


def _sums(
    interaction: TrainedInteraction, sample: Sample, members: np.ndarray, progress: Any
) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
    """Summed weights `[S, H, Q, N]` and number of rows `[S]`, by layer and flow."""

    groups = tf.TensorSpec((None, members.shape[1]), tf.float32)

    @tf.function(input_signature=[input_signature(interaction.model), groups])
    def step(inputs: Any, members: Any) -> list[dict[str, Any]]:
        return [
            {flow: _sum_over_rows(weights, members) for flow, weights in flows.items()}
            for flows in interaction.attention(inputs)
        ]

    totals: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}
    for where, inputs in batches(interaction.model, sample.encoded, BATCH_SIZE):
        for layer, flows in enumerate(step(inputs, members[where]), start=1):
            for flow, parts in flows.items():
                weights, rows = (np.asarray(part, np.float64) for part in parts)
                before = totals.get((layer, flow), (0.0, 0.0))
                totals[layer, flow] = (before[0] + weights, before[1] + rows)
        if progress:
            progress("attention", where.stop, len(sample))
    return totals


def _sum_over_rows(weights: Any, members: Any) -> tuple[Any, Any]:
    weights = tf.cast(weights, tf.float32)
    # The weights of a query sum to 1, or to 0 where a row has no key.
    some = tf.cast(tf.reduce_sum(weights[:, 0, 0], axis=-1) > 0.5, tf.float32)
    flat = tf.reshape(weights, (tf.shape(weights)[0], -1))
    sums = tf.matmul(members, flat, transpose_a=True)
    shape = tf.concat([tf.shape(members)[1:], tf.shape(weights)[1:]], axis=0)
    return tf.reshape(sums, shape), tf.linalg.matvec(members, some, transpose_a=True)


def _flow(
    name: str,
    layers: dict[int, tuple[np.ndarray, np.ndarray]],
    slices: list[Slice],
    interaction: TrainedInteraction,
    tasks: list[str],
) -> AttentionFlow:
    rows = next(iter(layers.values()))[1]
    some = rows > 0
    sums = np.stack([total[some] for total, _ in layers.values()], axis=1)
    query, _, key = name.partition("_to_")
    known = {
        "fields": interaction.fields,
        "sequences": interaction.positions,
        "tasks": tasks,
        "task_hubs": tasks,
    }
    return AttentionFlow(
        name=name,
        queries=_names(query, sums.shape[-2], known),
        keys=_names(key, sums.shape[-1], known),
        slices=[part for part, filled in zip(slices, some, strict=True) if filled],
        rows=rows[some].astype(np.int64),
        layers=list(layers),
        weights=sums / rows[some][:, None, None, None, None],
    )


def _names(stream: str, count: int, known: dict[str, list[str]]) -> list[str]:
    names = known.get(stream, [])[:count]
    stem = STEMS.get(stream, stream)
    return [*names, *(f"{stem} {i + 1}" for i in range(count - len(names)))]
