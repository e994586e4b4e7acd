"""Probabilities of encoded rows, from a run folder or from an exported SavedModel."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import polars as pl
import tensorflow as tf

from ctrmoe.calibration.calibration import FILE as CALIBRATION
from ctrmoe.config import ConfigError
from ctrmoe.data.encode import Encoded, Encoder
from ctrmoe.prediction import Predictor
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import CONFIG, MODEL, Run

SIGNATURE = "serve_encoded"
SUFFIX = "_probability"
SAVED_MODEL = "saved_model.pb"
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

    def __call__(self, encoded: Encoded) -> pl.DataFrame:
        """Returns a float32 column `<task>_probability` for each task."""
        probabilities = self.predictor(encoded)
        return pl.DataFrame({task + SUFFIX: probabilities[task] for task in self.tasks})

    def score(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Scores raw rows in memory; see `__call__`."""
        return self(self.encoder.encode(frame))

    @classmethod
    def load(cls, path: str | Path) -> Scorer:
        """Loads a version folder, the newest version in a folder of versions, or a run folder.

        Raises:
            ConfigError: If the folder is none of them.
        """
        folder = Path(path)
        if (folder / CONFIG).is_file():
            return cls.of_run(Run(folder))
        versions = sorted(int(p.name) for p in folder.glob("*") if p.name.isdigit())
        if not (folder / SAVED_MODEL).is_file() and versions:
            folder = folder / str(versions[-1])
        if not (folder / SAVED_MODEL).is_file():
            raise ConfigError(
                f"{path} must be an exported model, a folder of its versions, or a run folder. "
                f"Received: neither {SAVED_MODEL} nor {CONFIG} in it. Run `ctrmoe export` first."
            )
        return cls._of_export(folder)

    @classmethod
    def of_run(cls, run: Run) -> Scorer:
        """Scores by the Keras model of a finished run."""
        model, of_logits = run.model, Probabilities(run)
        names = [tensor.name for tensor in model.inputs]

        def probabilities(batch: dict[str, Any]) -> dict[str, Any]:
            logits = model({name: batch[name] for name in names}, training=False)
            return of_logits(logits, batch.get("domain"))

        graph = tf.function(probabilities)
        predictor = Predictor(graph, run.tasks, reads_domain=run.reads_domain)
        files = [path for path in (run.folder / MODEL, run.folder / CALIBRATION) if path.is_file()]
        return cls(run.encoder, predictor, _fingerprint(*files))

    @classmethod
    def _of_export(cls, folder: Path) -> Scorer:
        encoder = Encoder.load(folder / ENCODER)
        # The loaded object owns the variables: it must live as long as its signature.
        loaded = tf.saved_model.load(str(folder))

        def graph(batch: dict[str, Any], loaded: Any = loaded) -> dict[str, Any]:
            answer: dict[str, Any] = loaded.signatures[SIGNATURE](**batch)
            return answer

        tasks = [task.name for task in encoder.schema.tasks]
        takes = loaded.signatures[SIGNATURE].structured_input_signature[1]
        predictor = Predictor(graph, tasks, reads_domain="domain" in takes)
        return cls(encoder, predictor, _fingerprint(folder / "fingerprint.pb"))


def _fingerprint(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()
