"""`models.config`: the models that TensorFlow Serving serves, their versions and labels.

Its form is the text of the protocol buffer `ModelServerConfig`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from ctrmoe.config import ConfigError

LABEL = re.compile(r"[a-zA-Z0-9_]+")


def read_models_config(path: str | Path) -> ModelServerConfig:
    """Reads a file.

    Raises:
        ConfigError: If there is none, or if its text is none of such a configuration.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(
            f"{path} must be a models.config. Received: no such file. Write one with "
            "`ctrmoe serving-config`, or name yours with `--config`."
        )
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), ModelServerConfig())
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} must be the text of a ModelServerConfig. Received: {str(error).rstrip('.')}."
        ) from error


def as_text(config: ModelServerConfig) -> str:
    """Returns the text of a configuration; `read_models_config` reads it."""
    return text_format.MessageToString(config)


def model_of(config: ModelServerConfig, name: str) -> ModelConfig:
    """Returns the part of a model, which may be changed in place.

    Raises:
        ConfigError: If the configuration has no model of that name.
    """
    known = [model.name for model in config.model_config_list.config]
    if name not in known:
        raise ConfigError(f"The models.config must name the model. Received: {name!r} of {known}.")
    return config.model_config_list.config[known.index(name)]


def add_model(
    config: ModelServerConfig,
    name: str,
    base_path: str,
    *,
    versions: Iterable[int] = (),
    latest: int = 0,
    labels: Mapping[str, int] | None = None,
) -> None:
    """Adds a model.

    Args:
        config: Is changed.
        name: Of the model.
        base_path: The folder above its versions, as the server sees it.
        versions: The versions to serve.
        latest: Serve so many of the newest versions instead.
        labels: Versions by their labels.
    """
    model = config.model_config_list.config.add(
        name=name, base_path=base_path, model_platform="tensorflow"
    )
    if latest:
        model.model_version_policy.latest.num_versions = latest
    else:
        model.model_version_policy.specific.versions.extend(sorted(versions))
    model.version_labels.update(labels or {})


def check_label(label: str) -> None:
    """Checks a label.

    Raises:
        ConfigError: If TensorFlow Serving refused it.
    """
    if not LABEL.fullmatch(label):
        raise ConfigError(
            f"`label` must consist of letters, digits and underscores. Received: {label!r}."
        )
