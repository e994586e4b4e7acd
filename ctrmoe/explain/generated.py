"""What FGCNN's generated features say about the labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.explain.correlation import fisher_interval, multiple_correlation, pearson
from ctrmoe.explain.interaction import TrainedInteraction
from ctrmoe.explain.sample import Sample
from ctrmoe.layers import FGCNN
from ctrmoe.prediction import batches, input_signature
from ctrmoe.run import Run

BATCH_SIZE = 256
NUM_FIELDS = 3


def generated_features(
    run: Run, sample: Sample, *, progress: Callable[[str, int, int | None], None] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Correlates every entry of FGCNN's generated features with every label, and with raw fields.

    A generated feature is a token of D entries, each a number of its own. With a label it is
    Pearson's correlation and its 95 % interval by Fisher's z; with a raw field the multiple
    correlation: that of the entry and of the linear combination of the field's token nearest it.

    Args:
        run: A finished run.
        sample: Rows with labels.
        progress: Called with the stage, the rows done and their number.

    Returns:
        None if the model generates no features. Otherwise the table of entries, the strongest
        correlation of each task first, with `block`, `feature`, `entry`, `task`, `correlation`,
        `low`, `high`, `rows` and the three raw fields nearest to the entry; and the table of
        features and fields, with the mean over the entries of their multiple correlation.
    """
    interaction = TrainedInteraction.find(run.model)
    if interaction is None or not isinstance(interaction.layer, FGCNN):
        return None
    raw, generated = _tokens(interaction, sample, progress)
    if not generated.shape[1]:
        return None
    count, features, dim = generated.shape
    entries = generated.reshape(count, features * dim)
    nearest = np.stack(
        [multiple_correlation(raw[:, i], entries) for i in range(raw.shape[1])], axis=1
    )
    places = _places(interaction.layer, raw.shape, dim)
    tables = []
    for task in sample.labels:
        chosen = sample.labelled(task)
        labels = sample.labels[task][chosen].astype(np.float32)
        tables.append(_correlations(task, entries[chosen], labels))
    fields = interaction.generating_fields
    found = _nearest_fields(fields, nearest)
    table = pl.concat([pl.concat([places, one, found], how="horizontal") for one in tables])
    strength = pl.col("correlation").abs()
    table = table.sort("task", strength, descending=[False, True], nulls_last=True)
    return table, _fields_of_features(fields, nearest, places, dim)


def _tokens(
    interaction: TrainedInteraction, sample: Sample, progress: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The tokens that features are generated from, and those of the generated features."""
    inner = interaction.inner_model()

    @tf.function(input_signature=[input_signature(interaction.model)])
    def step(inputs: Any) -> tuple[Any, Any]:
        read, out = inner(inputs, training=False)
        passed, generating = read if isinstance(read, list | tuple) else (read, read)
        return generating, out[:, passed.shape[1] :]

    parts = []
    for where, inputs in batches(interaction.model, sample.encoded, BATCH_SIZE):
        parts.append([np.asarray(part, np.float32) for part in step(inputs)])
        if progress:
            progress("generated features", where.stop, len(sample))
    raw, generated = (np.concatenate(part) for part in zip(*parts, strict=True))
    return raw, generated


def _places(layer: FGCNN, shape: Sequence[int], dim: int) -> pl.DataFrame:
    """Block, number in the block and entry of each number generated."""
    maps: Any = (None, dim, shape[1], 1)
    places: list[tuple[int, int]] = []
    for block, convolution in enumerate(layer.blocks, start=1):
        maps, (_, count, _) = convolution.compute_output_shape(maps)
        places += [(block, feature + 1) for feature in range(count or 0)]
    rows = [(*place, entry + 1) for place in places for entry in range(dim)]
    return pl.DataFrame(rows, schema=["block", "feature", "entry"], orient="row")


def _correlations(task: str, entries: np.ndarray, labels: np.ndarray) -> pl.DataFrame:
    rows = len(labels)
    found = pearson(entries, labels) if rows else np.full(entries.shape[1], np.nan)
    low, high = fisher_interval(found, rows)
    columns = {"correlation": found, "low": low, "high": high}
    return pl.DataFrame(
        {
            "task": [task] * len(found),
            **{name: pl.Series(column).fill_nan(None) for name, column in columns.items()},
            "rows": [rows] * len(found),
        }
    )


def _nearest_fields(fields: list[str], correlation: np.ndarray) -> pl.DataFrame:
    """The raw fields that each entry correlates with most."""
    order = np.argsort(-np.nan_to_num(correlation), axis=1, kind="stable")[:, :NUM_FIELDS]
    names = np.asarray(fields, object)
    columns: dict[str, pl.Series] = {}
    for rank, chosen in enumerate(order.T, start=1):
        values = np.take_along_axis(correlation, chosen[:, None], axis=1)[:, 0]
        columns[f"field_{rank}"] = pl.Series(names[chosen].tolist(), dtype=pl.String)
        columns[f"field_{rank}_correlation"] = pl.Series(values).fill_nan(None)
    return pl.DataFrame(columns)


def _fields_of_features(
    fields: list[str], correlation: np.ndarray, places: pl.DataFrame, dim: int
) -> pl.DataFrame:
    means = np.nan_to_num(correlation).reshape(-1, dim, len(fields)).mean(axis=1)
    features = places.filter(entry=1).select("block", "feature")
    names = pl.DataFrame({"field": fields})
    pairs = features.join(names, how="cross", maintain_order="left_right")
    return pairs.with_columns(correlation=pl.Series(means.ravel()))
