"""The contract of the engines."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from ctrmoe.scorer import Scorer
from ctrmoe.scoring.records import FileFailure, FileRecord, FileTask

Outcomes: TypeAlias = Generator[FileRecord | FileFailure, None, None]


class Engine(Protocol):
    """Scores files with one model.

    Args:
        model: Whatever `Scorer.load` takes, or what it has returned.
        workers: How much is done at once; the engine's own choice where it is None.
    """

    outputs: list[str]
    """Names of the tasks."""
    fingerprint: str
    """Of the model."""

    def __init__(self, model: str | Path | Scorer, workers: int | None) -> None: ...

    def score(
        self, tasks: Sequence[FileTask], keep: Sequence[str], on_rows: Callable[[int], None]
    ) -> Outcomes:
        """Scores files; those that are begun when the generator is closed leave nothing behind.

        Args:
            tasks: The files.
            keep: Columns to copy.
            on_rows: Called, from any thread, with a number of rows that are done.

        Yields:
            What became of each file, in the order of their ends.
        """
