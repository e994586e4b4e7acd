"""The version folders of a model that are whole."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ctrmoe.serving.server.repeats import WithoutRepeats
from ctrmoe.versions import SAVED_MODEL, version_folders

logger = logging.getLogger(__name__)
logger.addFilter(WithoutRepeats())

Look = tuple[tuple[str, int, int], ...]
QUIET_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class VersionFolder:
    """A folder and what its files were like when it was looked at."""

    path: Path
    look: Look


def look_at(folder: Path) -> Look:
    """Returns the names, sizes and times of a folder's files: what changes while it is copied."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            status = path.stat()
            found.append((str(path.relative_to(folder)), status.st_size, status.st_ctime_ns))
    return tuple(sorted(found))


def whole_versions(base: Path) -> dict[int, VersionFolder]:
    """Returns the versions below `base` that can be loaded, by their numbers.

    A folder counts when it holds a SavedModel, when none of its files changed within the last
    second, which tells a folder that is being copied from one that was renamed when it was whole,
    and when it lies within `base` with links resolved.

    Raises:
        OSError: When the folder can't be listed.
    """
    versions = {}
    # A folder that can't be listed is no folder without versions.
    with os.scandir(base):
        found = version_folders(base)
    for number, folder in found.items():
        if not folder.resolve().is_relative_to(base.resolve()):
            logger.warning("%s is ignored: it leads out of %s.", folder, base)
            continue
        try:
            look = look_at(folder)
        except FileNotFoundError:  # a file was renamed or the version removed meanwhile
            continue
        if _is_whole(look):
            versions[number] = VersionFolder(folder, look)
    return versions


def _is_whole(look: Look) -> bool:
    newest = max((changed for _, _, changed in look), default=0)
    quiet = time.time_ns() - newest > QUIET_SECONDS * 1e9
    return quiet and any(name == SAVED_MODEL for name, _, _ in look)
