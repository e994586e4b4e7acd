"""What an exported version is: read by servers, clients and scoring, without TensorFlow."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctrmoe
from ctrmoe.config import ConfigError
from ctrmoe.data.encoder_files import VOCABULARIES, vocabulary_path

if TYPE_CHECKING:
    from ctrmoe.data.encode import Encoder
    from ctrmoe.run import Run

EXTRA = "assets.extra"
MANIFEST = Path(EXTRA) / "manifest.json"
FORMAT = 1


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Returns what `write_manifest` wrote into a version folder, `{}` where there is nothing.

    Raises:
        ConfigError: If something else was written.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of its encoding too
        raise ConfigError(
            f"{path} must be what `ctrmoe export` wrote. Received: {error}. Export again."
        ) from error
    return manifest


def write_manifest(folder: Path, run: Run, place: Path, served: Mapping[str, Any]) -> None:
    """Writes `assets.extra/manifest.json`.

    Args:
        folder: The SavedModel.
        run: What was exported.
        place: `BASE/NAME/<version>`, where the folder will lie.
        served: What depends on the export: signatures, columns, batch buckets, numbers' types.
    """
    import keras
    import tensorflow as tf

    manifest = {
        "format": FORMAT,
        "name": place.parent.name,
        "version": int(place.name),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "tasks": run.tasks,
        **served,
        "schema": run.schema.to_dict(),
        "vocabularies": _vocabularies(run.encoder, run.folder),
        "metrics": run.metrics,
        "versions": {
            "ctrmoe": ctrmoe.__version__,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
        "seed": run.config.seed,
    }
    path = folder / MANIFEST
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _vocabularies(encoder: Encoder, folder: Path) -> dict[str, dict[str, Any]]:
    return {
        table: {
            "values": len(vocabulary.values),
            "sha256": _sha256(vocabulary_path(folder / VOCABULARIES, table)),
        }
        for table, vocabulary in encoder.vocabularies.items()
    }


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
