"""The folders of an exported model's versions, BASE/NAME/42 as TensorFlow Serving wants them."""

from __future__ import annotations

import os
from pathlib import Path

from ctrmoe.config import ConfigError

MAX_VERSION = 2**63 - 1
SAVED_MODEL = "saved_model.pb"
"""Lies in the folder of every version that is whole."""
PATTERN = "*?[\\"
"""Of these characters TensorFlow makes a pattern when it looks for the files of a checkpoint."""


def named_folder(path: Path) -> Path:
    """Returns a folder under its name: of `.` and `..` that of what they stand for."""
    return Path(os.path.abspath(path))


def check_readable(path: Path) -> None:
    """Refuses the path of a SavedModel whose weights TensorFlow would not find.

    Raises:
        ConfigError: If the path holds a character of a pattern.
    """
    if found := next((character for character in path.as_posix() if character in PATTERN), None):
        raise ConfigError(
            f"The path of an exported model must be without {' '.join(PATTERN)}, of which "
            f"TensorFlow makes a pattern. Received: {found} in {path}. Choose another folder."
        )


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
