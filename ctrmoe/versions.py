"""The folders of an exported model's versions, BASE/NAME/42 as TensorFlow Serving wants them."""

from __future__ import annotations

import os
from pathlib import Path

MAX_VERSION = 2**63 - 1
SAVED_MODEL = "saved_model.pb"
"""Lies in the folder of every version that is whole."""


def named_folder(path: Path) -> Path:
    """Returns a folder under its name: of `.` and `..` that of what they stand for."""
    return Path(os.path.abspath(path))


def version_folders(model: Path) -> dict[int, Path]:
    """Returns the folders that are named by a number; they need not hold a model.

    Args:
        model: The folder above the versions.

    Returns:
        The folders by their numbers, ascending.
    """
    folders = (path for path in model.glob("*") if path.name.isascii() and path.name.isdigit())
    return dict(sorted((int(path.name), path) for path in folders))


def saved_versions(model: Path) -> dict[int, Path]:
    """Returns those of `version_folders` that hold a model."""
    found = version_folders(model)
    return {number: path for number, path in found.items() if (path / SAVED_MODEL).is_file()}
