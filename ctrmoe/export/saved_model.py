"""Exports a run as a SavedModel that takes raw features and checks itself."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.data.atomic import atomic_folder
from ctrmoe.export.accuracy import measure_accuracy
from ctrmoe.export.golden import write_golden
from ctrmoe.export.manifest import write_manifest
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.placement import place_variables
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.self_check import check
from ctrmoe.export.serving_module import ServingModule
from ctrmoe.export.session import Arrays, ServedSession, served_session
from ctrmoe.export.signature_names import rename
from ctrmoe.export.warmup import write_warmup
from ctrmoe.run import Run
from ctrmoe.scorer import ENCODER, SIGNATURE

GOLDEN_ROWS = 8


def export(
    run: Run,
    to: str | Path,
    options: ExportOptions | None = None,
    *,
    version: int | None = None,
) -> Path:
    """Writes `to/<version>/`, a SavedModel for TensorFlow Serving.

    Its signatures give one probability `[B, 1]` a task, corrected for down-sampling and class
    weights and calibrated where the run is:

    - `serving_default` takes one tensor a raw column, text, int64 or float32, `[B, 1]`, lists
      `[B, length]`;
    - `serve_examples` takes serialized `tf.Example`, missing features allowed;
    - `serve_candidates`, where `options.candidates` names columns, takes those of N candidates and
      one row of the others;
    - `classify` and `regress` answer TensorFlow Serving's requests of these names for the first
      task; of several tasks each has its own, `classify_<task>`;
    - `serve_encoded` takes the packed matrices, for batch scoring.

    The vocabularies are assets. `assets.extra` holds the manifest, warm-up requests of every batch
    bucket and golden requests with their answers.

    The folder appears under its number when it is whole and the reloaded model has agreed with
    the Keras model on odd raw rows; otherwise nothing is left behind.

    Args:
        run: A finished run.
        to: The folder above the versions, whose name is the model's name.
        options: What the model is made for; the defaults if left out.
        version: The number; one above the highest there if left out.

    Raises:
        ConfigError: If the version exists, or rounding costs more accuracy than allowed.
        RuntimeError: If the reloaded model disagrees.
    """
    to = Path(to)
    final = to / str(_next_version(to) if version is None else version)
    if final.exists():
        raise ConfigError(f"{final} exists already. Choose another `--version`.")
    options = options or ExportOptions()
    module = ServingModule(run, options)
    with atomic_folder(final) as partial, _disk_errors(final):
        _save(run, module, partial)
        _describe(run, module, options, partial, final)
        with served_session(partial) as session:
            _write_golden(run, module, session, partial)
            check(run, partial, module, session)
    return final


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turns TensorFlow's error of a full disk into Python's."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _next_version(to: Path) -> int:
    return max((int(p.name) for p in to.glob("*") if p.name.isdigit()), default=0) + 1


def _save(run: Run, module: ServingModule, folder: Path) -> None:
    # Nobody trains what is served: the gradients of custom operations need not be traced.
    saving = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), module.signatures(), saving)
    renamed = {safe: name for name, safe in module.names.items() if safe != name}
    rename(folder, renamed, module.methods)
    if module.tables.device:
        place_variables(folder, module.tables.names, module.tables.device)
    run.encoder.save(folder / ENCODER)


def _describe(
    run: Run, module: ServingModule, options: ExportOptions, folder: Path, place: Path
) -> None:
    """Writes the manifest and the warm-up requests."""
    buckets, schema = options.batch_buckets, module.raw.served
    domain = run.schema.domain
    served = {
        "domain": domain if domain in module.raw.signature else None,
        "signatures": [*module.outputs, SIGNATURE],
        "batch_buckets": list(buckets),
        "candidate_columns": list(module.columns.own),
        "shared_columns": list(module.columns.shared),
        "compile": "none",
        "compute_dtype": "float32",
        "tables": options.tables,
        "quantization": _quantization(run, module, options, folder),
        "calibration": run.calibration.summary() if run.calibration else None,
    }
    write_manifest(folder, run, place, served)
    rows = sample_rows(run.encoder, buckets[-1], full=True)

    def requests() -> Iterator[tuple[str, str, Arrays]]:
        for size in buckets:
            for signature in module.outputs:
                inputs = request(signature, rows.head(size), schema, module.columns.shared)
                yield signature, module.methods.get(signature, "predict"), inputs

    count = len(buckets) * len(module.outputs)
    write_warmup(folder, place.parent.name, requests(), count)


def _quantization(
    run: Run, module: ServingModule, options: ExportOptions, folder: Path
) -> dict[str, Any] | None:
    if not options.quantize:
        return None
    accuracy = measure_accuracy(run, folder, options.holdout, options.max_auc_loss)
    return {"kind": options.quantize, **module.tables.sizes(), **accuracy}


def _write_golden(run: Run, module: ServingModule, session: ServedSession, folder: Path) -> None:
    rows = sample_rows(run.encoder, GOLDEN_ROWS, seed=1, full=True)
    predicted = [name for name in module.outputs if name not in module.methods]
    shared, schema = module.columns.shared, module.raw.served
    requests = {name: request(name, rows, schema, shared) for name in predicted}
    write_golden(folder, requests, session)
