"""What a scoring remembers of each file."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctrmoe.data.sources import SourceFile


@dataclass(frozen=True, slots=True)
class FileTask:
    """One input file and the output file that it becomes.

    Args:
        name: The output's path relative to the output folder, with slashes.
        source: The input.
        path: The output.
    """

    name: str
    source: SourceFile
    path: Path


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that is scored.

    Args:
        name: As in `FileTask`.
        rows: Its rows.
        bytes: Size of the output.
        sha256: Of the output.
        source: Size and time of change of the input when it was read.
        seconds: From the first read to the output's last byte.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    source: tuple[int, int] | None
    seconds: float = 0.0

    def holds(self, task: FileTask) -> bool:
        """Returns whether the output is the one recorded, and its input has not changed since."""
        return (
            task.path.is_file()
            and task.path.stat().st_size == self.bytes
            and self.source == source_state(task.source)
            and checksum(task.path) == self.sha256
        )

    def to_dict(self, *, seconds: bool = True) -> dict[str, Any]:
        """Returns what `from_dict` takes; the same for the same files where `seconds` is no."""
        record = dataclasses.asdict(self)
        return record if seconds else {k: v for k, v in record.items() if k != "seconds"}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> FileRecord:
        """Makes a record of its JSON form."""
        source = record["source"]
        return cls(**{**record, "source": None if source is None else tuple(source)})


@dataclass(frozen=True, slots=True)
class FileFailure:
    """A file that can't be scored, while others can.

    Args:
        name: As in `FileTask`.
        reason: A sentence that names the file.
    """

    name: str
    reason: str


def source_state(source: SourceFile) -> tuple[int, int] | None:
    """Returns size and time of the last change of a file, None where there is none."""
    if source.frame is not None or not source.path.is_file():
        return None
    state = source.path.stat()
    return state.st_size, state.st_mtime_ns


def checksum(path: Path) -> str:
    """Returns the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
