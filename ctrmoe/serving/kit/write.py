"""Writes the kit: configuration, container, orchestration and monitoring of served models."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import jinja2
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from ctrmoe.config import ConfigError
from ctrmoe.data.atomic import atomic_folder
from ctrmoe.serving.kit.served_model import ServedModel, find_models
from ctrmoe.serving.models_config import add_model, as_text

MODELS_CONFIG = Path("config") / "models.config"
SCRIPTS = ("serve.sh", "probe.sh")
TEMPLATE = ".jinja"
LABEL = "stable"
PINNED = 2
"""Versions of a model that are served: the one that is labelled and the one to go back to."""
IMAGE_NAME = "tensorflow/serving:2.20.0"
IMAGE = re.compile(r"[\w./:@-]+", re.ASCII)
OVERHEAD_MIB = 512
MIB_STEP = 256
LOADING_FACTOR = 2 * 1.2
"""The next version is loaded before the old one goes; the server takes a fifth more as needed."""


@dataclass(frozen=True, slots=True)
class KitOptions:
    """What the kit is written for.

    Args:
        image: The image of TensorFlow Serving.
        cores: Of a server.
        latest: Serve so many of the newest versions as they appear, without labels; 0 serves the
            two newest that there are now, the newest labelled `stable`, until `ctrmoe promote`.
        batching: Whether requests are joined into batches. TensorFlow Serving's batching refuses
            `serve_candidates`, so it is left out where a model has candidate columns, if None.
    """

    image: str = IMAGE_NAME
    cores: int = 4
    latest: int = 0
    batching: bool | None = None

    def __post_init__(self) -> None:
        if not IMAGE.fullmatch(self.image):
            raise ConfigError(
                f"`image` must be the name of an image, such as {IMAGE_NAME}. Received: "
                f"{self.image!r}."
            )


def write_kit(
    base: str | Path, out: str | Path, options: KitOptions | None = None
) -> list[ServedModel]:
    """Writes a folder with all that serves the models of a folder.

    Args:
        base: The folder above the models.
        out: The folder to write, which appears when it is whole.
        options: The defaults if left out.

    Returns:
        The models.

    Raises:
        ConfigError: If there is no model, or if the models have no batch bucket in common.
        SchemaError: If `out` holds something.
    """
    options = options or KitOptions()
    models = find_models(base)
    values = _values(models, os.path.relpath(base, out), options)
    with atomic_folder(out) as partial, as_file(files(__package__) / "templates") as templates:
        found = [path for path in sorted(templates.rglob("*")) if path.is_file()]
        config = [path for path in found if path.parent.name == "config"]
        for template in config:
            if values["batching"] or not template.name.startswith("batching"):
                _render(template, partial / template.relative_to(templates), values)
        # Kubernetes carries them in a manifest.
        values["files"] = _config_files(partial / "config")
        for template in found:
            if template not in config:
                _render(template, partial / template.relative_to(templates), values)
        for name in SCRIPTS:
            (partial / name).chmod(0o755)
    return models


def _values(models: Sequence[ServedModel], base: str, options: KitOptions) -> dict[str, Any]:
    batching = options.batching
    if batching is None:
        batching = not any(model.takes_candidates for model in models)
    return {
        "batching": batching,
        "buckets": _common_buckets(models) if batching else [],
        "candidates": any(model.takes_candidates for model in models),
        "cores": options.cores,
        "image": options.image,
        "base": base,
        "memory": _memory(models, options),
        "models": models,
        "models_config": _models_config(models, options),
    }


def _render(template: Path, target: Path, values: dict[str, Any]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if template.suffix != TEMPLATE:
        shutil.copyfile(template, target)
        return
    # None of the files is HTML.
    environment = jinja2.Environment(  # nosec B701
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    text = environment.from_string(template.read_text(encoding="utf-8")).render(values)
    target.with_suffix("").write_text(text, encoding="utf-8")


def _config_files(folder: Path) -> dict[str, str]:
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir())
        if path.suffix == ".config"
    }


def _common_buckets(models: Sequence[ServedModel]) -> list[int]:
    """The batch sizes that every model was warmed at; a server has one list for all models."""
    common = sorted(set.intersection(*(set(model.batch_buckets) for model in models)))
    if not common:
        received = {model.name: list(model.batch_buckets) for model in models}
        raise ConfigError(
            f"The models of one server must have a batch bucket in common. Received: {received}. "
            "Export them with the same `--batch-buckets`, or add `--no-batching`."
        )
    return common


def _models_config(models: Sequence[ServedModel], options: KitOptions) -> str:
    config = ModelServerConfig()
    for model in models:
        labels = {} if options.latest else {LABEL: model.versions[-1]}
        add_model(
            config,
            model.name,
            f"/models/{model.name}",
            versions=model.versions[-PINNED:],
            latest=options.latest,
            labels=labels,
        )
    return as_text(config).rstrip()  # the template ends the line


def _memory(models: Sequence[ServedModel], options: KitOptions) -> int:
    """Mebibytes of a server: each of its versions, and one that is being loaded."""
    served = max(options.latest, 1) if options.latest else PINNED
    versions = sum(model.size * min(served, len(model.versions)) for model in models)
    needed = OVERHEAD_MIB + LOADING_FACTOR * versions / 2**20
    return -int(-needed // MIB_STEP) * MIB_STEP
