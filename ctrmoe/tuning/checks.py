"""What can be seen to be wrong before the first trial."""

from __future__ import annotations

import logging
from pathlib import Path

import keras

from ctrmoe.config import SEARCH, Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.model import build_model
from ctrmoe.training import compile_model
from ctrmoe.training.validation import check_monitor
from ctrmoe.tuning.space import SearchSpace

CONSTRUCTED = ("model.", "train.optimizer", "train.dense_optimizer")
"""Keys whose values are known to be right only when the part is built."""

logger = logging.getLogger(__name__)


def check_data(config: Config) -> Encoder:
    """Returns the encoder of a config's data, which must have something to validate on.

    Raises:
        ConfigError: If it has no validation part, or `train.monitor` is no figure of it.
    """
    prepared = config.data.prepared
    if not prepared:
        raise ConfigError(
            "`data.prepared` must name a folder that `ctrmoe prepare` wrote. "
            "Add `--set data.prepared=DIR`."
        )
    encoder = Encoder.load(prepared)
    if not (Path(prepared) / "valid").is_dir():
        raise ConfigError(
            f"{prepared} must have a validation part for a search. Prepare it with `--split` or "
            "`--valid`."
        )
    check_monitor(config.train.monitor, encoder.schema)
    return encoder


def check_parts(space: SearchSpace, encoder: Encoder) -> None:
    """Builds the model with each choice and end of a range of the parts' options.

    A value may still fit together with others only, so one that does not fit by itself is logged;
    its trials would end as failed.

    Raises:
        ConfigError: If no value of a key fits.
    """
    for own in space.ranges:
        if not own.key.startswith(CONSTRUCTED):
            continue
        reasons = []
        for value in own.edges:
            try:
                _build(space.with_values({own.key: value}), encoder)
            except ConfigError as error:
                reasons.append(f"`{SEARCH}.{own.key}` = {value!r}: {error}")
        if len(reasons) == len(own.edges):
            raise ConfigError(reasons[0])
        for reason in reasons:
            logger.warning("%s Trials with it may fail.", reason)


def _build(config: Config, encoder: Encoder) -> None:
    model = build_model(
        encoder.schema, config, fields=encoder.fields(), num_domains=encoder.num_domains
    )
    compile_model(model, config, encoder.schema, steps=1)
    keras.utils.clear_session()
