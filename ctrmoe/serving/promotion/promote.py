"""Moves the label of a served model to another version, and back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from ctrmoe.config import ConfigError
from ctrmoe.files import write_text
from ctrmoe.serving.models_config import as_text, check_label, model_of, read_models_config
from ctrmoe.serving.promotion.gates import check_golden, check_latency, check_validation
from ctrmoe.serving.promotion.label_history import LabelHistory
from ctrmoe.serving.promotion.server_control import ServerControl
from ctrmoe.versions import saved_versions

POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class PromotionOptions:
    """What is moved, and what a version must show before.

    Args:
        label: To move.
        wait: Seconds to wait until the version is AVAILABLE.
        tolerance: Most that an answer to a golden request may differ.
        max_slowdown: Most times the latency of the version that has the label.
        max_logloss_increase: Most that validation logloss may be above that of the version that
            has the label, as a share of it.
        requests: Of each version that latency is measured by.
    """

    label: str = "stable"
    wait: float = 60.0
    tolerance: float = 1e-5
    max_slowdown: float = 1.5
    max_logloss_increase: float = 0.05
    requests: int = 50

    def __post_init__(self) -> None:
        for name in ("wait", "tolerance", "max_slowdown"):
            if not 0 <= (value := getattr(self, name)) < math.inf:
                raise ConfigError(f"`{name}` must not be negative. Received: {value}.")
        if not math.isfinite(self.max_logloss_increase):
            raise ConfigError(
                f"`max_logloss_increase` must be a number. Received: {self.max_logloss_increase}."
            )


def promote(
    folder: Path,
    version: int,
    config: Path,
    server: ServerControl,
    options: PromotionOptions | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> int | None:
    """Gives a version a label, after it has passed the gates.

    Where the configuration pins versions, the version is added first, and those without a label
    go at last, but for the one to go back to. If anything fails, file and server are as before.

    Args:
        folder: BASE/NAME, the folder above the versions.
        version: To promote.
        config: The `models.config`.
        server: Serves by that file.
        options: The defaults if left out.
        tell: Called with a line for each gate passed.

    Returns:
        The version that had the label before.

    Raises:
        ConfigError: If a gate is not passed, or the server does not answer.
    """
    options = options or PromotionOptions()
    check_label(options.label)
    changed, history = read_models_config(config), LabelHistory(config)
    model = model_of(changed, folder.name)
    before = model.version_labels.get(options.label)
    if before == version:
        raise ConfigError(f"{folder.name} {version} has the label {options.label} already.")
    _check_exported(folder, version)
    with _restored(config, server):
        _load(model, version, changed, config, server)
        _wait_until_available(server, folder.name, version, options.wait)
        tell(check_golden(server, folder / str(version), options.tolerance))
        if before is not None:
            new, old = folder / str(version), folder / str(before)
            tell(check_latency(server, new, old, options.max_slowdown, options.requests))
            tell(check_validation(new, old, options.max_logloss_increase))
        _label(model, options.label, version, before)
        _apply(changed, config, server)
        _check_labelled(server, folder.name, options.label, version)
        history.moved(folder.name, options.label, before, version)
    return before


def rollback(
    folder: Path,
    config: Path,
    server: ServerControl,
    options: PromotionOptions | None = None,
) -> int:
    """Gives a label back to the version that had it before; no gate but AVAILABLE.

    Args:
        folder: BASE/NAME; only its name is used.
        config: The `models.config`, with its history beside it.
        server: Serves by that file.
        options: Its `label` and `wait` count.

    Returns:
        The version that has the label now.

    Raises:
        ConfigError: If no version had it before, or that one does not become AVAILABLE.
    """
    options = options or PromotionOptions()
    changed = read_models_config(config)
    model, name, label = model_of(changed, folder.name), folder.name, options.label
    current, history = model.version_labels.get(label), LabelHistory(config)
    version = history.before(name, label, current)
    if version is None:
        raise ConfigError(
            f"{name} must have had the label {label} on another version. Received: none in "
            f"{history.path}."
        )
    with _restored(config, server):
        _load(model, version, changed, config, server)
        _wait_until_available(server, name, version, options.wait)
        _label(model, label, version, current)
        _apply(changed, config, server)
        _check_labelled(server, name, label, version)
        history.moved_back(name, label, current, version)
    return version


def _check_exported(folder: Path, version: int) -> None:
    known = saved_versions(folder)
    if version not in known:
        raise ConfigError(
            f"`version` must be one of {folder}. Received: {version} of {list(known)}. Run "
            "`ctrmoe export` first."
        )


@contextmanager
def _restored(config: Path, server: ServerControl) -> Iterator[None]:
    """Puts file and server back where the block fails."""
    text, former = config.read_text(encoding="utf-8"), read_models_config(config)
    try:
        yield
    except BaseException:
        if config.read_text(encoding="utf-8") != text:
            write_text(config, text)
            # Where the server is gone, the first error says so.
            with suppress(ConfigError):
                server.reload(former)
        raise


def _load(
    model: ModelConfig,
    version: int,
    changed: ModelServerConfig,
    config: Path,
    server: ServerControl,
) -> None:
    """Has the server load a version, where it serves the ones that are named only."""
    pinned = model.model_version_policy
    if pinned.HasField("specific") and version not in pinned.specific.versions:
        pinned.specific.versions.append(version)
        _apply(changed, config, server)


def _wait_until_available(server: ServerControl, model: str, version: int, wait: float) -> None:
    end = time.monotonic() + wait
    while not (status := server.status(model, version)).is_available:
        if time.monotonic() >= end or status.state == "END":
            reason = f" ({status.error})" if status.error else ""
            raise ConfigError(
                f"{model} {version} must be AVAILABLE within {wait:g} s. Received: {status.state}"
                f"{reason}."
            )
        time.sleep(POLL_SECONDS)


def _label(model: ModelConfig, label: str, version: int, before: int | None) -> None:
    model.version_labels[label] = version
    pinned = model.model_version_policy
    if pinned.HasField("specific"):
        kept = {*model.version_labels.values(), *([before] if before is not None else [])}
        pinned.specific.versions[:] = sorted(kept)


def _apply(changed: ModelServerConfig, config: Path, server: ServerControl) -> None:
    """Writes the file, which a server may be polling, and tells the server without delay."""
    comments = []
    for line in config.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        comments.append(line + "\n")
    write_text(config, "".join(comments) + as_text(changed))
    server.reload(changed)


def _check_labelled(server: ServerControl, model: str, label: str, version: int) -> None:
    found = server.labelled(model, label)
    if found != version:
        raise ConfigError(
            f"{server.address} must serve {model} {version} as {label}. Received: {found}."
        )
