"""Permutation importance: what a model loses with one feature."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from ctrmoe import strict
from ctrmoe.config import ConfigError
from ctrmoe.data.packed import Encoded
from ctrmoe.explain.paired import Change, auc_drop, logloss_rise
from ctrmoe.explain.sample import Sample
from ctrmoe.metrics import auc, logloss
from ctrmoe.run import Run
from ctrmoe.schema import Schema, SchemaError

MIN_ROWS = 2


def permutation_importance(
    run: Run,
    sample: Sample,
    *,
    repeats: int = 5,
    seed: int = 0,
    features: Sequence[str] | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> pl.DataFrame:
    """Measures how the figures fall when one feature's values go to other rows of the sample.

    A feature is permuted as the raw column that it is: a list as a whole and with its weights, the
    domain together with what routes by it, and none of the features that share its vocabulary.

    The intervals are over the rows, `ctrmoe.explain.paired`, not over the repeats: they are to say
    whether other rows would show the drop too. Repeats on the same rows all share the chance in
    these rows, so that their spread would make a feature of pure noise look certain.

    Args:
        run: A finished run.
        sample: Rows with labels.
        repeats: Permutations of each feature, whose figures are averaged.
        seed: Of the permutations; those of a feature do not depend on what else is permuted.
        features: Names of the features; all of them where there is none.
        progress: Called with the stage, the rows predicted and how many there will be.

    Returns:
        A row for each task and feature, the largest drop of each task first: `task`, `feature`,
        `rows`, `positives`, `auc`, `auc_drop`, `logloss`, `logloss_rise`, and the limits of the
        two changes as `…_low` and `…_high`; null where a figure is undefined.

    Raises:
        SchemaError: If a feature is unknown, or the sample has no labels or less than two rows.
        ConfigError: If `repeats` is less than 1.
    """
    chosen = _chosen(run.schema, features)
    _check(sample, repeats)
    own = run.predictor(sample.encoded)
    done, total = 0, len(chosen) * repeats * len(sample)
    table = []
    for number, name in chosen:
        permuted: dict[str, list[np.ndarray]] = {task: [] for task in run.tasks}
        for repeat in range(repeats):
            order = np.random.default_rng([seed, number, repeat]).permutation(len(sample))
            logits = run.predictor(permute(run.schema, sample.encoded, name, order))
            for task, column in logits.items():
                permuted[task].append(column)
            done += len(sample)
            if progress:
                progress("importance", done, total)
        for task, columns in permuted.items():
            figures = _figures(sample, task, own[task], np.stack(columns), run.logit_shift)
            table.append({"task": task, "feature": name, **figures})
    return _sorted(pl.DataFrame(table, infer_schema_length=None), run.tasks)


def _check(sample: Sample, repeats: int) -> None:
    if repeats < 1:
        raise ConfigError(f"`repeats` must be at least 1. Received: repeats={repeats}.")
    if not sample.labels:
        raise SchemaError("The sample must have labels. Received: none. Read it with labels=True.")
    if len(sample) < MIN_ROWS:
        raise SchemaError(
            f"The tables must have at least {MIN_ROWS} rows to permute. Received: {len(sample)}."
        )


def permute(schema: Schema, encoded: Encoded, feature: str, order: np.ndarray) -> Encoded:
    """Returns the rows with one raw column in another order."""
    changes: dict[str, np.ndarray] = {}
    for place, features in (
        ("ids", schema.single),
        ("sequences", schema.lists),
        ("values", schema.values),
        ("weights", schema.weighted),
    ):
        start = 0
        for other in features:
            stop = start + max(other.max_length, 1)
            if other.name == feature:
                matrix = getattr(encoded, place).copy()
                matrix[:, start:stop] = matrix[order, start:stop]
                changes[place] = matrix
            start = stop
    if feature == schema.domain and encoded.domain is not None:
        changes["domain"] = encoded.domain[order]
    return dataclasses.replace(encoded, **changes)


def _chosen(schema: Schema, features: Sequence[str] | None) -> list[tuple[int, str]]:
    """Number in the schema and name of the features to permute."""
    numbers = {feature.name: number for number, feature in enumerate(schema.features)}
    for name in features or ():
        if name not in numbers:
            raise SchemaError(
                f"`features` must be features of the run. Received: {name!r}."
                + strict.suggestion(name, numbers)
            )
    wanted = list(dict.fromkeys(features or numbers))
    return [(numbers[name], name) for name in wanted]


def _figures(
    sample: Sample, task: str, own: np.ndarray, permuted: np.ndarray, shift: float
) -> dict[str, float | int | None]:
    rows = sample.labelled(task)
    labels = sample.labels[task][rows] == 1
    own = own[rows].astype(np.float64) + shift
    permuted = permuted[:, rows].astype(np.float64) + shift
    return {
        "rows": len(labels),
        "positives": int(labels.sum()),
        "auc": auc(labels, own),
        **_columns("auc_drop", auc_drop(labels, own, permuted)),
        "logloss": logloss(labels, own),
        **_columns("logloss_rise", logloss_rise(labels, own, permuted)),
    }


def _columns(name: str, change: Change | None) -> dict[str, float | None]:
    keys = (name, f"{name}_low", f"{name}_high")
    if change is None:
        return dict.fromkeys(keys)
    return {
        key: None if np.isnan(value) else value for key, value in zip(keys, change, strict=True)
    }


def _sorted(table: pl.DataFrame, tasks: Sequence[str]) -> pl.DataFrame:
    figures = [
        name for name in table.columns if name not in ("task", "feature", "rows", "positives")
    ]
    return table.with_columns(pl.col(figures).cast(pl.Float64)).sort(
        pl.col("task").cast(pl.Enum(tasks)),
        "auc_drop",
        "logloss_rise",
        descending=[False, True, True],
        nulls_last=True,
        maintain_order=True,
    )
