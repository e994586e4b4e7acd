"""Removal of versions that nobody needs."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

from ctrmoe.config import ConfigError
from ctrmoe.versions import version_folders


def remove_old_versions(model: str | Path, keep: int, *, needed: Collection[int] = ()) -> list[int]:
    """Removes the oldest versions until `keep` are left.

    A version vanishes whole, by a rename, before its files are removed: a server that looks at the
    folder never finds half of one. What a server has loaded it goes on serving.

    Args:
        model: The folder above the versions.
        keep: How many stay, at least 1; more where more are needed.
        needed: Numbers that are not removed, such as those that a label names.

    Returns:
        The numbers of those removed.

    Raises:
        ConfigError: If `keep` is less than 1.
    """
    if keep < 1:
        raise ConfigError(f"`keep` must be at least 1. Received: {keep}.")
    model = Path(model)
    for left_behind in model.glob(".*.removed"):
        shutil.rmtree(left_behind)
    found = version_folders(model)
    old = [number for number in list(found)[:-1] if number not in needed]
    removed = old[: max(len(found) - keep, 0)]
    for number in removed:
        going = model / f".{number}.removed"
        found[number].rename(going)
        shutil.rmtree(going)
    return removed
