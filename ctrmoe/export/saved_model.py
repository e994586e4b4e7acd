"""Exports a run as a SavedModel that takes raw features and checks itself."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.data.atomic import atomic_folder
from ctrmoe.export.extra_assets import ExtraAssets
from ctrmoe.export.gradients import forget_gradients
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.placement import place_variables
from ctrmoe.export.self_check import check
from ctrmoe.export.serving_module import ServingModule
from ctrmoe.export.session import served_session
from ctrmoe.export.signature_names import rename
from ctrmoe.run import Run
from ctrmoe.scorer import ENCODER
from ctrmoe.versions import MAX_VERSION, check_readable, named_folder, version_folders


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
        ConfigError: If the version exists or can't be one, TensorFlow could not read the folder by
            its path, or rounding costs more accuracy than allowed.
        RuntimeError: If the reloaded model disagrees.
    """
    to = Path(to)
    check_readable(to)
    newest = max(version_folders(to), default=0)
    version = newest + 1 if version is None else version
    if not 0 <= version <= MAX_VERSION:
        raise ConfigError(f"`version` must lie between 0 and {MAX_VERSION}. Received: {version}.")
    final = to / str(version)
    if final.exists():
        raise ConfigError(f"{final} exists already. Choose another `--version`.")
    options = options or ExportOptions()
    module = ServingModule(run, options)
    with atomic_folder(final) as partial, _disk_errors(final):
        _save(run, module, options, partial)
        extra = ExtraAssets(run, module, options)
        place = named_folder(final)
        extra.write_manifest(partial, place)
        extra.write_warmup(partial, place.parent.name)
        with served_session(partial) as session, _compiler_errors(options):
            extra.write_golden(partial, session)
            check(run, partial, module, session, options)
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


@contextlib.contextmanager
def _compiler_errors(options: ExportOptions) -> Iterator[None]:
    """Says which option to leave out where XLA does not know an operation of the model."""
    try:
        yield
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError) as error:
        if not options.jit:
            raise
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"`jit` needs a model that XLA can compile. Received: {reason} Export without it."
        ) from error


def _save(run: Run, module: ServingModule, options: ExportOptions, folder: Path) -> None:
    aliases = {"core": module.core.function} if options.tpu_ready else None
    # A server would load a function for each gradient, and run none.
    saving = tf.saved_model.SaveOptions(
        function_aliases=aliases, experimental_custom_gradients=False
    )
    tf.saved_model.save(module, str(folder), module.signatures(), saving)
    forget_gradients(folder)
    renamed = {safe: name for name, safe in module.names.items() if safe != name}
    rename(folder, renamed, module.methods)
    if module.tables.device:
        place_variables(folder, module.tables.names, module.tables.device)
    run.encoder.save(folder / ENCODER)
