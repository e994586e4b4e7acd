"""The exported models below a folder, as their manifests describe them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ctrmoe.config import ConfigError
from ctrmoe.export.manifest import read_manifest
from ctrmoe.versions import saved_versions

NAME = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model and its versions.

    Args:
        name: It is served under; the name of its folder.
        versions: Ascending.
        batch_buckets: Batch sizes that the newest version was warmed at, ascending.
        takes_candidates: Whether clients may send one row of what candidates share.
        size: Bytes of the largest version.
    """

    name: str
    versions: tuple[int, ...]
    batch_buckets: tuple[int, ...]
    takes_candidates: bool
    size: int


def find_models(base: str | Path) -> list[ServedModel]:
    """Returns the models in a folder, by name.

    Args:
        base: Holds a folder for each model, which holds a folder for each version.

    Raises:
        ConfigError: If there are none, or one has a name that can't be asked for.
    """
    base = Path(base)
    folders = sorted(path for path in base.glob("*") if path.is_dir())
    models = [_model(folder, found) for folder in folders if (found := saved_versions(folder))]
    if not models:
        below = " It holds versions itself: name the folder above." if saved_versions(base) else ""
        raise ConfigError(
            f"{base} must hold exported models, BASE/NAME/<version>/. Received: none.{below}"
        )
    return models


def _check_name(name: str) -> None:
    """Refuses names that are cut or mean something else in an address, a shell or YAML."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            "The name of a model must consist of ASCII letters, digits, `_`, `.` and `-`. "
            f"Received: {name!r}. Rename its folder."
        )


def _model(folder: Path, versions: dict[int, Path]) -> ServedModel:
    _check_name(folder.name)
    manifest = read_manifest(list(versions.values())[-1])
    return ServedModel(
        name=folder.name,
        versions=tuple(versions),
        batch_buckets=tuple(manifest.get("batch_buckets", ())),
        takes_candidates=bool(manifest.get("candidate_columns")),
        size=max(_size(path) for path in versions.values()),
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
