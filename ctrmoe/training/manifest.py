"""What a run was made of: code, packages, config, data and devices."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import pyarrow as pa
import tensorflow as tf

import ctrmoe
from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encoder_files import SCHEMA_FILE, VOCABULARIES
from ctrmoe.files import write_text

MANIFEST = "manifest.json"
BLOCK = 4096
STRIDE = 1 << 20


def write_manifest(folder: Path, config: Config) -> None:
    """Writes `manifest.json`: what the run in a folder starts with.

    Args:
        folder: The run folder.
        config: The resolved config; `data.prepared` names the prepared folder.
    """
    manifest = {
        "ctrmoe": ctrmoe.__version__,
        **git_state(Path(ctrmoe.__file__).parent),
        "packages": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
            "polars": pl.__version__,
            "pyarrow": pa.__version__,
        },
        "config": config_hash(config),
        "data": data_fingerprint(config.data.prepared),
        "seed": config.seed,
        "deterministic": config.train.deterministic,
        "platform": platform.platform(),
        "devices": [_device(device) for device in tf.config.list_physical_devices()],
    }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2))


def check_manifest(folder: Path, config: Config) -> None:
    """Refuses to go on with a run whose prepared data is not that of its start.

    Raises:
        ConfigError: If the data has changed.
    """
    manifest = folder / MANIFEST
    prepared = Path(config.data.prepared)
    # A finished run needs its data no more; without a manifest there is nothing to compare.
    if not manifest.is_file() or not prepared.is_dir():
        return
    started = json.loads(manifest.read_text(encoding="utf-8"))["data"]
    if data_fingerprint(prepared) != started:
        raise ConfigError(
            f"{prepared} must hold the data that {folder} was started with. Received: other data, "
            "prepared since. Train into a new folder."
        )


def config_hash(config: Config) -> str:
    """Returns the SHA-256 of a resolved config, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode()).hexdigest()


def data_fingerprint(prepared: str | Path) -> str:
    """Returns a SHA-256 of what a prepared folder gives to a training.

    It covers the schema, the vocabularies, and of each encoded file of `train/` and `valid/` the
    name, the length, the footer (rows and byte lengths of every column of every row group) and
    4 KiB of each MiB: a few milliseconds a gigabyte. Single values that change without changing
    the length of a compressed column may go unnoticed.

    Args:
        prepared: A folder that `ctrmoe prepare` wrote; where it lies does not matter.
    """
    prepared = Path(prepared)
    digest = hashlib.sha256()
    texts = [prepared / SCHEMA_FILE, *sorted((prepared / VOCABULARIES).glob("*"))]
    tables = [p for part in ("train", "valid") for p in sorted((prepared / part).glob("*.parquet"))]
    for path in (*texts, *tables):
        digest.update(f"{path.relative_to(prepared)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes() if path in texts else _sample(path))
    return digest.hexdigest()


def _sample(path: Path) -> bytes:
    """Returns one block of each stride of a parquet file, and its footer."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        blocks = []
        for offset in range(0, size, STRIDE):
            file.seek(offset)
            blocks.append(file.read(BLOCK))
        # The file ends with the footer, its length in four bytes and a mark of four.
        file.seek(max(size - 8, 0))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(size - 8 - length, 0))
        return b"".join([*blocks, file.read()])


def git_state(folder: Path) -> dict[str, Any]:
    """Returns the commit that a package's folder is checked out from, and whether it differs.

    Args:
        folder: The package; `git_sha` and `git_dirty` are None where git does not track it, as in
            a virtual environment inside of another checkout.
    """
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py") is not None
    sha = _git(folder, "rev-parse", "HEAD") if tracked else None
    changes = _git(folder, "status", "--porcelain", "--", ".") if sha else None
    return {"git_sha": sha, "git_dirty": None if changes is None else bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _device(device: Any) -> dict[str, str]:
    gpu = device.device_type == "GPU"
    details = tf.config.experimental.get_device_details(device) if gpu else {}
    model = details.get("device_name") or platform.processor() or platform.machine()
    return {"name": device.name, "model": model}
