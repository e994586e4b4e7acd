"""Probabilities of encoded rows, from a run folder or from an exported SavedModel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import tensorflow as tf

from ctrmoe.calibration.calibration import FILE as CALIBRATION
from ctrmoe.config import ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoder_files import SCHEMA_FILE
from ctrmoe.data.packed import Encoded
from ctrmoe.prediction import Predictor, input_signature
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import CONFIG, MODEL, Run
from ctrmoe.schema import Schema
from ctrmoe.versions import SAVED_MODEL, check_readable, version_folders

SIGNATURE = "serve_encoded"
SUFFIX = "_probability"
ENCODER = Path("assets.extra") / "encoder"


class Scorer:
    """Predicts probabilities of encoded rows.

    Args:
        encoder: What turns raw rows into encoded ones.
        predictor: Takes encoded rows, returns a probability for each task.
        fingerprint: Tells models apart.
    """

    def __init__(self, encoder: Encoder, predictor: Predictor, fingerprint: str) -> None:
        self.encoder = encoder
        self.predictor = predictor
        self.fingerprint = fingerprint

    @property
    def tasks(self) -> list[str]:
        """Names of the outputs."""
        return [task.name for task in self.encoder.schema.tasks]

    def __call__(self, encoded: Encoded, *, side_by_side: bool = True) -> pl.DataFrame:
        """Returns a float32 column `<task>_probability` for each task; see `Predictor`."""
        probabilities = self.predictor(encoded, side_by_side=side_by_side)
        return pl.DataFrame({task + SUFFIX: probabilities[task] for task in self.tasks})

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Scores raw rows in memory; see `__call__`."""
        return self(self.encoder.encode(frame))

    @classmethod
    def load(cls, path: str | Path) -> Scorer:
        """Loads a version folder, the newest version in a folder of versions, or a run folder.

        Raises:
            ConfigError: If the folder is none of them, or the model in it is damaged.
        """
        folder = find_model(path)
        is_run = (folder / CONFIG).is_file()
        return cls.of_run(Run(folder)) if is_run else cls._of_export(folder)

    @classmethod
    def of_run(cls, run: Run) -> Scorer:
        """Scores by the Keras model of a finished run."""
        model, of_logits = run.model, Probabilities(run)
        names = [tensor.name for tensor in model.inputs]
        signature = input_signature(model)
        if run.reads_domain:
            signature["domain"] = tf.TensorSpec((None, 1), tf.int32)

        @tf.function(input_signature=[signature])
        def probabilities(batch: dict[str, Any]) -> dict[str, Any]:
            logits = model({name: batch[name] for name in names}, training=False)
            return of_logits(logits, batch.get("domain"))

        predictor = Predictor(probabilities, run.tasks, reads_domain=run.reads_domain)
        return cls(run.encoder, predictor, fingerprint(run.folder))

    @classmethod
    def _of_export(cls, folder: Path) -> Scorer:
        encoder = Encoder.load(folder / ENCODER)
        # The loaded object owns the variables: it must live as long as its signature.
        loaded = _loaded(folder)

        def graph(batch: dict[str, Any], loaded: Any = loaded) -> dict[str, Any]:
            answer: dict[str, Any] = loaded.signatures[SIGNATURE](**batch)
            return answer

        tasks = [task.name for task in encoder.schema.tasks]
        takes = loaded.signatures[SIGNATURE].structured_input_signature[1]
        predictor = Predictor(graph, tasks, reads_domain="domain" in takes)
        return cls(encoder, predictor, fingerprint(folder))


def _loaded(folder: Path) -> Any:
    check_readable(folder)
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # whatever TensorFlow finds wrong with a folder
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"{folder} must hold a whole SavedModel. Received: {reason}. Export the run again."
        ) from error


def find_model(path: str | Path) -> Path:
    """Returns the run folder or the version folder, the newest one, that a path stands for.

    Raises:
        ConfigError: If the folder is none of them.
    """
    folder = Path(path)
    if (folder / CONFIG).is_file():
        return folder
    if not (folder / SAVED_MODEL).is_file():
        folder = next(reversed(version_folders(folder).values()), folder)
    if not (folder / SAVED_MODEL).is_file():
        raise ConfigError(
            f"{path} must be an exported model, a folder of its versions, or a run folder. "
            f"Received: neither {SAVED_MODEL} nor {CONFIG} in it. Run `ctrmoe export` first."
        )
    return folder


def find_schema(folder: Path) -> Schema:
    """Returns the schema of the model in a folder of `find_model`."""
    is_run = (folder / CONFIG).is_file()
    return Schema.load((folder if is_run else folder / ENCODER) / SCHEMA_FILE)


def fingerprint(folder: Path) -> str:
    """Returns what tells the model in a folder of `find_model` from others."""
    is_run = (folder / CONFIG).is_file()
    names = (MODEL, CALIBRATION) if is_run else ("fingerprint.pb",)
    digest = hashlib.sha256()
    for path in (folder / name for name in names):
        if path.is_file():
            with path.open("rb") as file:
                hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()
