"""Compares an exported model with the Keras model on odd raw rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.export.golden import worst_difference
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.served_model import precision_of
from ctrmoe.export.serving_module import CANDIDATES, ServingModule
from ctrmoe.export.session import ServedSession
from ctrmoe.run import Run
from ctrmoe.scorer import SIGNATURE, SUFFIX, Scorer

TOLERANCE = 1e-5
LOGIT_TOLERANCE = 0.05
"""How far bfloat16, of eight bits, may move a logit. On average it moved those of named configs by
0.001 to 0.004, the worst by 0.022. What that costs in AUC, rows of a holdout tell."""
ROWS, REQUESTS = 256, 4


def check(
    run: Run, folder: Path, module: ServingModule, session: ServedSession, options: ExportOptions
) -> None:
    """Compares every signature of a SavedModel with the encoder and the Keras model.

    Args:
        run: What was exported.
        folder: The SavedModel.
        module: What was saved there.
        session: The same folder, loaded.
        options: What the model was made for.

    Raises:
        RuntimeError: If one disagrees.
    """
    rows = sample_rows(run.encoder, ROWS)
    reference = Run(run.folder)
    module.tables.round(reference.model)
    expected = Scorer.of_run(reference).score(rows)
    rounded = LOGIT_TOLERANCE if options.bfloat16 else 0.0

    def agree(answer: Any, task: str, where: str) -> None:
        probability = expected[task + SUFFIX].to_numpy()
        _agree(answer, probability, rounded, f"{where}, task {task}")

    for signature, tasks in module.outputs.items():
        if signature == CANDIDATES:
            continue
        outputs = session(signature, request(signature, rows, module.raw.served))
        for task, output in tasks.items():
            # Of classes, the second is the label 1.
            agree(outputs[output][:, -1], task, f"{signature} in a session")
    loaded = tf.saved_model.load(str(folder))
    inputs = request("serving_default", rows, module.raw.served)
    raw = loaded.signatures["serving_default"](**{n: tf.constant(x) for n, x in inputs.items()})
    scored = Scorer.load(folder).score(rows)
    for task in run.tasks:
        agree(raw[task][:, 0], task, "serving_default")
        agree(scored[task + SUFFIX], task, SIGNATURE)
    if CANDIDATES in module.outputs:
        _check_candidates(rows, module, session, precision_of(run, options) != "float32")
    _require(worst_difference(folder, session), TOLERANCE, "the golden answers")


def _check_candidates(
    rows: pl.DataFrame, module: ServingModule, session: ServedSession, rounded: bool
) -> None:
    """Candidates of some requests answer as the same candidates in full rows."""
    schema, shared = module.raw.served, module.columns.shared
    size = ROWS // REQUESTS
    # Rounded numbers are not the same in a product of one row and of many.
    tolerance = LOGIT_TOLERANCE / 4 if rounded else TOLERANCE
    for start in range(0, ROWS, size):
        candidates = rows.slice(start, size)
        repeated = candidates.with_columns(pl.col(shared).gather([0] * size))
        full = session("serving_default", request("serving_default", repeated, schema))
        short = session(CANDIDATES, request(CANDIDATES, candidates, schema, shared))
        for task in module.outputs[CANDIDATES]:
            difference = float(np.abs(full[task] - short[task]).max())
            _require(difference, tolerance, f"{CANDIDATES}, task {task}")


def _agree(answer: Any, expected: np.ndarray, rounded: float, where: str) -> None:
    """A difference of a logit moves a probability p by p (1 - p) times as much."""
    difference = np.abs(np.asarray(answer) - expected)
    allowed = TOLERANCE + rounded * expected * (1 - expected)
    worst = int(np.argmax(difference - allowed))
    _require(difference[worst], allowed[worst], f"{where}, row {worst} of the self-check")


def _require(difference: float, tolerance: float, where: str) -> None:
    if not difference <= tolerance:
        raise RuntimeError(
            f"The exported model must agree with the Keras model to {tolerance:.3g}. Received: a "
            f"difference of {difference} in {where}. Nothing was exported; please report this."
        )
