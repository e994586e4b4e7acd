"""The Keras model that an export serves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import keras

from ctrmoe.export.options import ExportOptions
from ctrmoe.model import build_model
from ctrmoe.run import Run

BFLOAT16: Final = "mixed_bfloat16"
COMPUTE = {"float32": "float32", BFLOAT16: "bfloat16", "mixed_float16": "float16"}
"""The type of the numbers between tables and logits, by the precision of a config."""


def served_model(run: Run, options: ExportOptions) -> keras.Model:
    """Returns the run's model; with `options.bfloat16` one of the same weights that computes so.

    Weights, the last logit and the probability stay float32.
    """
    if precision_of(run, options) == run.config.train.precision:
        return run.model
    config = replace(run.config, train=replace(run.config.train, precision=BFLOAT16))
    model = build_model(
        run.schema, config, fields=run.encoder.fields(), num_domains=run.encoder.num_domains
    )
    model.set_weights(run.model.get_weights())
    return model


def precision_of(run: Run, options: ExportOptions) -> str:
    """Returns the precision that an export computes in, as in the config of a training."""
    return BFLOAT16 if options.bfloat16 else run.config.train.precision
