"""Opens the run folder of a training: a new one, or one to go on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoder_files import SCHEMA_FILE
from ctrmoe.data.growth import grown
from ctrmoe.run import CONFIG, Run
from ctrmoe.training.compilation import check_task_weighting
from ctrmoe.training.manifest import check_manifest, write_manifest
from ctrmoe.training.validation import check_monitor


def open_run(config: Config, out: Path, resume: bool) -> Run:
    """Returns the run in `out`, started anew where it holds none.

    Args:
        config: The run; `data.prepared` names the prepared folder.
        out: The run folder.
        resume: Whether a run that was begun may be there.

    Raises:
        ConfigError: If there is no prepared folder, or `out` holds a run that is not to be
            resumed, or one of another config or other data.
    """
    if not (out / CONFIG).is_file():
        encoder = _encoder(config)
        check_monitor(config.train.monitor, encoder.schema)
        check_task_weighting(config.train.task_weighting, len(encoder.schema.tasks))
        write_manifest(out, config)
        return Run.create(out, config, encoder)
    run = Run(out)
    if not resume:
        mend = "Choose another folder" if run.finished else "Go on with `--resume`"
        state = "a finished run" if run.finished else "a run that was interrupted"
        raise ConfigError(f"{out} holds {state} already. {mend}, or remove it.")
    if run.config != config:
        changes = "; ".join(_changes(run.config.to_dict(), config.to_dict()))
        raise ConfigError(
            f"{out} was started with another config. Received: {changes}. Resume it with the "
            "config of its start, or choose another folder."
        )
    check_manifest(out, config)
    return run


def _encoder(config: Config) -> Encoder:
    """The encoder of the prepared data, grown by what the run that is started from knows."""
    prepared = config.data.prepared
    if not prepared or not Path(prepared, SCHEMA_FILE).is_file():
        received = f"no {SCHEMA_FILE} in {prepared}" if prepared else "none"
        raise ConfigError(
            f"`data.prepared` must name a folder that `ctrmoe prepare` wrote. Received: {received}."
            " Add `--set data.prepared=DIR`."
        )
    encoder = Encoder.load(prepared)
    if not config.train.warm_start:
        return encoder
    return grown(encoder, Run(config.train.warm_start).encoder)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yields the keys whose values differ."""
    for key in {**old, **new}:
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}={after!r} instead of {before!r}"
