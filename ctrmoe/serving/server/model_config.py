"""Which models a server has: TensorFlow Serving's `models.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctrmoe.config import ConfigError
from ctrmoe.serving.models_config import LABEL, read_models_config
from ctrmoe.serving.server.failures import RequestError

PLATFORM = "tensorflow"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model.

    Args:
        base: The folder of its versions.
        latest: Serve the newest so many versions; None for all of them or for `specific`.
        specific: Serve these versions where they are there.
        labels: Names of versions.
    """

    base: Path
    latest: int | None = 1
    specific: tuple[int, ...] | None = None
    labels: Mapping[str, int] = field(default_factory=dict)

    def chosen(self, present: list[int]) -> list[int]:
        """Returns the versions to serve of those that are there, ascending."""
        ordered = sorted(present)
        if self.specific is not None:
            return [version for version in ordered if version in self.specific]
        return ordered if self.latest is None else ordered[-self.latest :]


Models = dict[str, ModelConfig]


def read_config(path: Path) -> Models:
    """Reads a `models.config`.

    Raises:
        ConfigError: If the file is none.
    """
    message = read_models_config(path)
    if message.WhichOneof("config") is None:
        raise ConfigError(f"{path} must hold a `model_config_list`. Received: nothing.")
    try:
        return models_of(message)
    except RequestError as error:
        raise ConfigError(
            f"{path} must list models. Received: {str(error).rstrip('.')}."
        ) from error


def models_of(message: Any) -> Models:
    """Returns the models of a `ModelServerConfig`.

    Raises:
        RequestError: If TensorFlow Serving would not take it.
    """
    if message.WhichOneof("config") != "model_config_list":
        raise RequestError(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
            "ModelConfigList is currently supported"
        )
    models: Models = {}
    for config in message.model_config_list.config:
        _check(config, models)
        models[config.name] = _model(config)
    return models


def _check(config: Any, models: Models) -> None:
    if not config.name:
        raise RequestError("Illegal to list a model without a name in config list")
    if config.name in models:
        raise RequestError(f"Illegal to list model {config.name} multiple times in config list")
    if not Path(config.base_path).is_absolute():
        raise RequestError(
            f"Expected model {config.name} to have an absolute path or URI; got "
            f"base_path()={config.base_path}"
        )
    if not all(map(LABEL.fullmatch, config.version_labels)):
        raise RequestError(
            f"Version labels of model {config.name} must match {LABEL.pattern}. "
            f"Received: {', '.join(config.version_labels)}"
        )
    if config.model_platform != PLATFORM:
        raise RequestError(
            f"Model {config.name} must have model_platform: {PLATFORM!r}. "
            f"Received: {config.model_platform!r}"
        )


def _model(config: Any) -> ModelConfig:
    base, labels = Path(config.base_path), dict(config.version_labels)
    policy = config.model_version_policy
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return ModelConfig(base, latest=None, labels=labels)
    if choice == "specific":
        return ModelConfig(base, specific=tuple(policy.specific.versions), labels=labels)
    return ModelConfig(base, latest=max(policy.latest.num_versions, 1), labels=labels)
