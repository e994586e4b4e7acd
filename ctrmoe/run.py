"""The folder of one training: enough by itself to evaluate, export and score."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ctrmoe.calibration import Calibration
from ctrmoe.config import Config, ConfigError
from ctrmoe.data.dataset import Arrays, logit_shift
from ctrmoe.data.encode import Encoder
from ctrmoe.data.packed import Encoded
from ctrmoe.files import write_text
from ctrmoe.model import build_model
from ctrmoe.prediction import Predictor, reads_domain
from ctrmoe.schema import Schema

MODEL, CONFIG, METRICS, HISTORY = "model.keras", "config.json", "metrics.json", "history.csv"
PRETRAINED = "pretrained.json"


class Run:
    """A run folder: config, schema, vocabularies, model, metrics, history and logs.

    Args:
        folder: What `ctrmoe train --out` wrote.

    Raises:
        ConfigError: If the folder is no run.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / CONFIG).is_file():
            raise ConfigError(
                f"{folder} must be a run folder that `ctrmoe train --out` wrote. "
                f"Received: no {CONFIG} in it."
            )
        self.config = Config.load(self.folder / CONFIG)
        self.encoder = Encoder.load(self.folder)

    @classmethod
    def create(cls, folder: str | Path, config: Config, encoder: Encoder) -> Run:
        """Starts a run: writes the config and everything that encodes raw rows."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        encoder.save(folder)
        # The config comes last: a folder that has one is a whole run, finished or to be resumed.
        write_text(folder / CONFIG, json.dumps(config.to_dict(), indent=2))
        return cls(folder)

    @property
    def schema(self) -> Schema:
        """The resolved schema."""
        return self.encoder.schema

    @property
    def tasks(self) -> list[str]:
        """Names of the outputs."""
        return [task.name for task in self.schema.tasks]

    @property
    def finished(self) -> bool:
        """Whether the training has ended and the model is there."""
        return (self.folder / MODEL).is_file()

    @property
    def metrics(self) -> dict[str, Any]:
        """What the training reported at its end."""
        return json.loads((self.folder / METRICS).read_text(encoding="utf-8"))

    @property
    def pretrained(self) -> dict[str, dict[str, int]]:
        """How many `values` of a feature with pre-trained vectors there are, and `with_vector`."""
        path = self.folder / PRETRAINED
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @property
    def logit_shift(self) -> float:
        """What to add to the logits to undo down-sampling and class weights."""
        return logit_shift(
            self.schema, self.config.data.negative_rate, self.config.train.positive_weight
        )

    @property
    def calibration(self) -> Calibration | None:
        """What `ctrmoe calibrate` fitted; None where the run is not calibrated."""
        return Calibration.load(self.folder)

    @property
    def reads_domain(self) -> bool:
        """Whether a probability depends on the domain, by the model or by its calibration."""
        calibration = self.calibration
        return reads_domain(self.model) or bool(calibration and calibration.by_domain)

    def build_model(self) -> keras.Model:
        """Returns the untrained model of the run's config."""
        encoder = self.encoder
        return build_model(
            self.schema, self.config, fields=encoder.fields(), num_domains=encoder.num_domains
        )

    @cached_property
    def model(self) -> keras.Model:
        """The trained model.

        Raises:
            ConfigError: If the training has not ended.
        """
        if not self.finished:
            raise ConfigError(
                f"{self.folder} must hold a finished run. Received: no {MODEL} in it. "
                "Go on with `ctrmoe train --resume`."
            )
        return keras.saving.load_model(self.folder / MODEL, compile=False)

    @cached_property
    def predictor(self) -> Predictor:
        """Predicts the trained model's logits, not yet shifted by `logit_shift`."""
        return Predictor.of_model(self.model, self.tasks)

    def shifted_logits(self, encoded: Encoded) -> Arrays:
        """Returns the logits `[n]` of each task, corrected for sampling and class weights."""
        shift = np.float32(self.logit_shift)
        return {task: logits + shift for task, logits in self.predictor(encoded).items()}

    def logits(self, encoded: Encoded) -> Arrays:
        """Returns the logits `[n]` of the probabilities that the run serves."""
        logits, calibration = self.shifted_logits(encoded), self.calibration
        if calibration is None:
            return logits
        names = self.encoder.domain_names
        return {
            task: calibration.logits(task, column, encoded.domain, names)
            for task, column in logits.items()
        }
