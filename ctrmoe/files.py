"""Text files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from ctrmoe.data.atomic import atomic_file


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file under a temporary name, then renames it."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")
