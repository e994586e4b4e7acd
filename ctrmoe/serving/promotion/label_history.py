"""Which versions a label has had: a small file beside `models.config`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ctrmoe.config import ConfigError
from ctrmoe.files import write_text

SUFFIX = ".history.json"
KEPT = 20


class LabelHistory:
    """The versions of the labels of all models in a `models.config`, oldest first.

    Args:
        config: Path of the `models.config`.

    Raises:
        ConfigError: If the file was written by something else.
    """

    def __init__(self, config: Path) -> None:
        self.path = config.with_name(config.name + SUFFIX)
        self._labels: dict[str, dict[str, list[dict[str, Any]]]] = self._read()

    def before(self, model: str, label: str, current: int | None) -> int | None:
        """Returns the version that had the label before `current`, None where there is none."""
        versions = [entry["version"] for entry in self._of(model, label)]
        if versions and versions[-1] == current:
            versions.pop()
        return versions[-1] if versions else None

    def moved(self, model: str, label: str, old: int | None, new: int) -> None:
        """Notes that a label went from one version to another."""
        entries = self._of(model, label)
        if old is not None and (not entries or entries[-1]["version"] != old):
            entries.append({"version": old, "since": None})
        entries.append({"version": new, "since": _now()})
        self._write(model, label, entries[-KEPT:])

    def moved_back(self, model: str, label: str, current: int | None, to: int) -> None:
        """Notes that a label went back to the version before."""
        entries = self._of(model, label)
        if entries and entries[-1]["version"] == current:
            entries.pop()
        entries[-1:] = [{"version": to, "since": _now()}]
        self._write(model, label, entries)

    def _read(self) -> Any:
        if not self.path.is_file():
            return {}
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except ValueError as error:  # of its encoding too
            raise ConfigError(
                f"{self.path} must be what `ctrmoe promote` wrote. Received: {error}. Remove it, "
                "and labels can't be taken back further than now."
            ) from error

    def _of(self, model: str, label: str) -> list[dict[str, Any]]:
        return list(self._labels.get(model, {}).get(label, ()))

    def _write(self, model: str, label: str, entries: list[dict[str, Any]]) -> None:
        self._labels.setdefault(model, {})[label] = entries
        write_text(self.path, json.dumps(self._labels, indent=1) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
