"""Measures a run on raw tables, per task and per domain."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl

from ctrmoe.ahead import ahead
from ctrmoe.data.labelled import labelled_chunks
from ctrmoe.files import write_text
from ctrmoe.metrics import Evaluator
from ctrmoe.run import Run


def evaluate(
    run: Run, paths: Iterable[str | Path], *, on_rows: Callable[[int], None] | None = None
) -> Evaluator:
    """Evaluates a run on raw tables that hold its features and labels.

    The figures are those of the served probabilities: sampling and weights undone, calibrated
    where the run is. Rank figures are of the same logits, which no calibration makes equal.

    Args:
        run: A finished run.
        paths: Raw parquet or CSV files, globs or folders.
        on_rows: Called with the number of rows of each chunk done.

    Returns:
        The evaluator; its `result()` is the contract of `ctrmoe evaluate --json`.

    Raises:
        SchemaError: For a missing column, a label outside {0, 1}, or an unknown domain where the
            schema refuses it.
    """
    evaluator = Evaluator(run.tasks)
    for frame, encoded, labels in ahead(labelled_chunks(run.encoder, paths)):
        schema = run.schema
        evaluator.update(
            labels,
            run.logits(encoded),
            domains=_present(frame[schema.domain]) if schema.domain else None,
            groups=_present(frame[schema.group]) if schema.group else None,
        )
        if on_rows:
            on_rows(frame.height)
    return evaluator


def _present(values: pl.Series) -> pl.Series:
    """Empty text is missing, as it is to the model."""
    if values.dtype not in (pl.String, pl.Categorical):
        return values
    texts = values.cast(pl.String)
    return texts.set(texts == "", None)


def write_report(evaluator: Evaluator, out: Path) -> None:
    """Writes `metrics.json`, the contract's object, and `metrics.csv`, the wider table."""
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "metrics.json", json.dumps(evaluator.result(), indent=2))
    write_text(out / "metrics.csv", evaluator.report().write_csv())
