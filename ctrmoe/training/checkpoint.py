"""Checkpoints of a training that may be killed at any moment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ctrmoe.data.atomic import atomic_file, atomic_folder

PREFIX = "checkpoint-"


@dataclass(slots=True)
class Progress:
    """Where a training stands between two steps.

    Args:
        step: Steps done since the start of the training.
        best: Best value of the monitored figure so far.
        best_epoch: The epoch that reached it, counted from 0; -1 before the first.
        history: One row of figures for each finished epoch.
        seconds: Time spent in training so far.
    """

    step: int = 0
    best: float | None = None
    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def save_variables(path: Path, variables: Sequence[Any]) -> None:
    """Writes variables to an npz file that appears whole or not at all."""
    arrays = {str(index): np.asarray(variable) for index, variable in enumerate(variables)}
    with atomic_file(path) as partial, open(partial, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def restore_variables(path: Path, variables: Sequence[Any]) -> None:
    """Assigns what `save_variables` wrote.

    Raises:
        ValueError: If the file was written by a model of other variables.
    """
    with np.load(path) as arrays:
        expected = [tuple(v.shape) for v in variables]
        found = [arrays[str(index)].shape for index in range(len(arrays.files))]
        if expected != found:
            raise ValueError(
                f"{path} must hold the variables of this model. Received: {len(found)} arrays "
                f"for {len(expected)} variables, or other shapes: the config or the package "
                "changed since. Train into a new folder."
            )
        for index, variable in enumerate(variables):
            variable.assign(arrays[str(index)])


def save(folder: Path, progress: Progress, variables: Sequence[Any]) -> None:
    """Writes the checkpoint of `progress.step` and removes the older ones."""
    with atomic_folder(folder / f"{PREFIX}{progress.step:010d}") as partial:
        save_variables(partial / "variables.npz", variables)
        (partial / "progress.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")
    for older in find(folder)[:-1]:
        shutil.rmtree(older)


def find(folder: Path) -> list[Path]:
    """Returns the checkpoints in a folder, oldest first."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.is_dir())


def restore(folder: Path, variables: Sequence[Any]) -> Progress:
    """Assigns the newest checkpoint's variables and returns its progress; a new one if none."""
    found = find(folder)
    if not found:
        return Progress()
    restore_variables(found[-1] / "variables.npz", variables)
    return Progress(**json.loads((found[-1] / "progress.json").read_text(encoding="utf-8")))


def clear(folder: Path) -> None:
    """Removes every checkpoint, finished or not."""
    for path in [*find(folder), *folder.glob(f".{PREFIX}*.partial")]:
        shutil.rmtree(path, ignore_errors=True)
