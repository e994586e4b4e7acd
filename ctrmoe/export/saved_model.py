"""Exports a run as a SavedModel that takes raw features and checks itself."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.data.atomic import atomic_folder
from ctrmoe.export.raw_graph import RawGraph, served_schema
from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.served import missing_value, raw_dtype
from ctrmoe.export.session import run_in_session
from ctrmoe.export.signature_names import rename_inputs, safe_names
from ctrmoe.export.warmup import write_warmup
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.scorer import ENCODER, SIGNATURE, SUFFIX, Scorer

TOLERANCE = 1e-5


def export(run: Run, to: str | Path, *, version: int | None = None) -> Path:
    """Writes `to/<version>/`, a SavedModel for TensorFlow Serving.

    Its signatures are `serving_default` (one tensor a raw feature: text, int64 or float32,
    `[B, 1]`, lists `[B, length]`), `serve_examples` (serialized `tf.Example`, missing features
    allowed) and `serve_encoded` (the packed matrices, for batch scoring). Each returns one
    probability `[B, 1]` a task, corrected for down-sampling and class weights. The vocabularies
    are assets, warm-up
    requests lie in `assets.extra`.

    The folder appears under its number when it is whole and the reloaded model has agreed with
    the Keras model on odd raw rows; otherwise nothing is left behind.

    Args:
        run: A finished run.
        to: The folder above the versions, whose name is the model's name.
        version: The number; one above the highest there if left out.

    Raises:
        ConfigError: If the version exists.
        RuntimeError: If the reloaded model disagrees.
    """
    to = Path(to)
    number = _next_version(to) if version is None else version
    final = to / str(number)
    if final.exists():
        raise ConfigError(f"{final} exists already. Choose another `--version`.")
    with atomic_folder(final) as partial, _disk_errors(final):
        _write(run, to.name, partial)
        _check(run, partial)
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


def _write(run: Run, model: str, folder: Path) -> None:
    module = _Serving(run)
    names = safe_names(list(module.raw.signature))
    tf.saved_model.save(module, str(folder), signatures=module.signatures(names))
    rename_inputs(folder, {safe: name for name, safe in names.items() if safe != name})
    run.encoder.save(folder / ENCODER)
    write_warmup(folder, model, module.raw.served, sample_rows(run.encoder, 64))


class _Serving(tf.Module):
    """Raw rows or encoded rows to probabilities."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._schema = run.schema
        self._of_logits = Probabilities(run)
        model = run.model
        self._reads_domain = run.reads_domain
        self.raw = RawGraph(run.encoder, run.folder, self._reads_domain)
        # Were the Keras model itself an attribute, a session, which is what TensorFlow Serving
        # runs, would not find its variables restored.
        self.weights = [variable.value for variable in model.variables]

        read = [tensor.name for tensor in model.inputs]

        def logits(encoded: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            answer: dict[str, tf.Tensor] = model({n: encoded[n] for n in read}, training=False)
            return answer

        self._logits = logits

    def probabilities(self, encoded: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        found = self._of_logits(self._logits(encoded), encoded.get("domain"))
        return {task: column[:, None] for task, column in found.items()}

    def signatures(self, names: Mapping[str, str]) -> dict[str, Any]:
        """Returns the concrete functions; inputs go by their safe names for now."""
        specs = self.raw.signature
        raw = {
            safe: tf.TensorSpec(specs[name].shape, specs[name].dtype, name=safe)
            for name, safe in names.items()
        }
        encoded = {
            name: tf.TensorSpec((None, width), dtype, name=name)
            for name, (width, dtype) in self._schema.packed(self._reads_domain).items()
        }

        def serve_raw(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return self.probabilities(self.raw({n: features[safe] for n, safe in names.items()}))

        def serve_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.probabilities(self.raw(_parse(examples, self.raw.served)))

        examples = tf.TensorSpec((None,), tf.string, name="examples")
        self.serve_raw = tf.function(serve_raw, input_signature=[raw])
        self.serve_examples = tf.function(serve_examples, input_signature=[examples])
        self.serve_encoded = tf.function(self.probabilities, input_signature=[encoded])
        return {
            "serving_default": self.serve_raw,
            "serve_examples": self.serve_examples,
            SIGNATURE: self.serve_encoded,
        }


def _parse(examples: tf.Tensor, schema: Schema) -> dict[str, tf.Tensor]:
    """Reads serialized examples; a missing feature is a missing value, others are ignored."""
    specs: dict[str, Any] = {}
    for feature in schema.features:
        dtype, missing = raw_dtype(feature), missing_value(feature)
        if feature.is_list and not feature.separator:
            specs[feature.name] = tf.io.RaggedFeature(dtype)
        else:
            specs[feature.name] = tf.io.FixedLenFeature((1,), dtype, default_value=[missing])
    absent = {feature.name: missing_value(feature) for feature in schema.features}
    for feature in schema.weighted:
        specs[feature.weights] = tf.io.RaggedFeature(tf.float32)
        absent[feature.weights] = float("nan")
    return {
        name: column.to_tensor(default_value=absent[name])
        if isinstance(column, tf.RaggedTensor)
        else column
        for name, column in tf.io.parse_example(examples, specs).items()
    }


def _check(run: Run, folder: Path) -> None:
    """Compares the reloaded signatures with the encoder and the Keras model on odd rows."""
    rows = sample_rows(run.encoder, 256)
    schema = served_schema(run.encoder, run.reads_domain)
    expected = Scorer.load(run.folder).score(rows)
    loaded = tf.saved_model.load(str(folder))
    raw = raw_tensors(rows, schema)
    arrays = {name: tensor.numpy() for name, tensor in raw.items()}
    answers = {
        "serving_default": loaded.signatures["serving_default"](**raw),
        "serving_default in a session": run_in_session(folder, "serving_default", arrays),
        "serve_examples": loaded.signatures["serve_examples"](
            examples=tf.constant(serialize_examples(rows, schema))
        ),
    }
    for signature, answer in answers.items():
        for task in run.tasks:
            _agree(answer[task], expected[task + SUFFIX], f"{signature}, task {task}")
    scored = Scorer.load(folder).score(rows)
    for task in run.tasks:
        _agree(scored[task + SUFFIX], expected[task + SUFFIX], f"{SIGNATURE}, task {task}")


def _agree(answer: Any, expected: pl.Series, where: str) -> None:
    difference = np.abs(np.reshape(answer, -1) - expected.to_numpy())
    worst = int(np.argmax(difference))
    if not difference[worst] <= TOLERANCE:
        raise RuntimeError(
            f"The exported model must agree with the Keras model to {TOLERANCE}. Received: a "
            f"difference of {difference[worst]} in {where}, row {worst} of the self-check. "
            "Nothing was exported; please report this."
        )
