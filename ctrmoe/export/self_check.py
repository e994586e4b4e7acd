"""Compares an exported model with the Keras model on odd raw rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.export.golden import worst_difference
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.serving_module import CANDIDATES, ServingModule
from ctrmoe.export.session import ServedSession
from ctrmoe.run import Run
from ctrmoe.scorer import SIGNATURE, SUFFIX, Scorer

TOLERANCE = 1e-5
CANDIDATE_TOLERANCE = 1e-6
ROWS, REQUESTS = 256, 4


def check(run: Run, folder: Path, module: ServingModule, session: ServedSession) -> None:
    """Compares every signature of a SavedModel with the encoder and the Keras model.

    Args:
        run: What was exported.
        folder: The SavedModel.
        module: What was saved there.
        session: The same folder, loaded.

    Raises:
        RuntimeError: If one disagrees.
    """
    rows = sample_rows(run.encoder, ROWS)
    reference = Run(run.folder)
    module.tables.round(reference.model)
    expected = Scorer.of_run(reference).score(rows)
    for signature, tasks in module.outputs.items():
        if signature == CANDIDATES:
            continue
        outputs = session(signature, request(signature, rows, module.raw.served))
        for task, output in tasks.items():
            answer = outputs[output][:, -1]  # of classes, the second is the label 1
            _agree(answer, expected[task + SUFFIX], f"{signature} in a session, task {task}")
    loaded = tf.saved_model.load(str(folder))
    inputs = request("serving_default", rows, module.raw.served)
    raw = loaded.signatures["serving_default"](**{n: tf.constant(x) for n, x in inputs.items()})
    scored = Scorer.load(folder).score(rows)
    for task in run.tasks:
        _agree(raw[task][:, 0], expected[task + SUFFIX], f"serving_default, task {task}")
        _agree(scored[task + SUFFIX], expected[task + SUFFIX], f"{SIGNATURE}, task {task}")
    if CANDIDATES in module.outputs:
        _check_candidates(rows, module, session)
    _require(worst_difference(folder, session), "the golden answers")


def _check_candidates(rows: pl.DataFrame, module: ServingModule, session: ServedSession) -> None:
    """Candidates of some requests answer as the same candidates in full rows."""
    schema, shared = module.raw.served, module.columns.shared
    size = ROWS // REQUESTS
    for start in range(0, ROWS, size):
        candidates = rows.slice(start, size)
        repeated = candidates.with_columns(pl.col(shared).gather([0] * size))
        full = session("serving_default", request("serving_default", repeated, schema))
        short = session(CANDIDATES, request(CANDIDATES, candidates, schema, shared))
        for task in module.outputs[CANDIDATES]:
            difference = float(np.abs(full[task] - short[task]).max())
            _require(difference, f"{CANDIDATES}, task {task}", CANDIDATE_TOLERANCE)


def _agree(answer: Any, expected: pl.Series, where: str) -> None:
    difference = np.abs(np.asarray(answer) - expected.to_numpy())
    worst = int(np.argmax(difference))
    _require(difference[worst], f"{where}, row {worst} of the self-check")


def _require(difference: float, where: str, tolerance: float = TOLERANCE) -> None:
    if not difference <= tolerance:
        raise RuntimeError(
            f"The exported model must agree with the Keras model to {tolerance}. Received: a "
            f"difference of {difference} in {where}. Nothing was exported; please report this."
        )
