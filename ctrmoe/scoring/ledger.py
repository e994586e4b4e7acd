"""What survives a killed scoring: the record of the files that are done."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ctrmoe.files import write_text
from ctrmoe.schema import SchemaError
from ctrmoe.scoring.records import FileRecord

FORMAT = 1
PLAN = ("format", "model", "keep")


class Ledger:
    """Remembers which files of a folder are scored: a line of JSON each, synced to the disk.

    While a scoring goes on, the lines lie in a hidden file of the output folder. At the end they
    become the manifest, `<folder>.json` beside the folder, and the hidden file goes: what stays in
    the folder is a table, which polars, pyarrow and Spark read as a whole.

    Args:
        out: The output folder.
        model: Tells the model apart.
        keep: The columns that are kept.
        shard: `(i, n)` where n processes divide the files; each has its own ledger and manifest.
    """

    def __init__(
        self, out: Path, model: str, keep: list[str], shard: tuple[int, int] | None = None
    ) -> None:
        self._out = out.absolute()
        self._plan = {"format": FORMAT, "model": model, "keep": keep}
        part = f"{shard[0]}-of-{shard[1]}" if shard else ""
        self._path = self._out / f".score{part and '-'}{part}.jsonl"
        self.manifest = self._out.with_name(f"{self._out.name}{part and '.'}{part}.json")
        self._records: dict[str, FileRecord] = {}
        self._file: BinaryIO

    def read(self) -> dict[str, FileRecord] | None:
        """Returns the records of earlier scorings into the folder, None where there are none.

        Raises:
            SchemaError: When they are those of another model or other columns.
        """
        found = False
        records: dict[str, FileRecord] = {}
        for plan, files in self._earlier():
            found = True
            if plan != self._plan:
                raise SchemaError(
                    f"{self._out} holds scores of another model or other columns. Choose another "
                    "`--out`."
                )
            records |= {record["name"]: FileRecord.from_dict(record) for record in files}
        return records if found else None

    @contextlib.contextmanager
    def held(self, records: Mapping[str, FileRecord] | None) -> Iterator[None]:
        """Keeps other processes away from the folder; one in which nothing was done goes again.

        Args:
            records: What `read` returned, None to start anew.

        Raises:
            SchemaError: When another process holds the folder, or a file that no scoring wrote has
                the manifest's name.
        """
        if self.manifest.exists() and _manifest(self.manifest) is None:
            raise SchemaError(
                f"{self.manifest}, where the manifest goes, must be one of earlier scores or not "
                "exist. Choose another `--out`."
            )
        self._records = dict(records or {})
        self._out.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as self._file:
            self._lock()
            whole = 0 if records is None else _whole_lines(self._path)
            self._file.truncate(whole)
            if not whole:
                self._append(self._plan)
            try:
                yield
            finally:
                if not self._records and self._path.exists():
                    self._path.unlink()
                    if not any(self._out.iterdir()):
                        self._out.rmdir()

    def add(self, record: FileRecord) -> None:
        """Notes a file whose output is on the disk."""
        self._records[record.name] = record
        self._append(record.to_dict())

    def finish(self, failed: Mapping[str, str]) -> None:
        """Writes the manifest and removes the ledger.

        Args:
            failed: Files that could not be scored, with the reason.
        """
        names = sorted(set(self._records) - set(failed))
        files = [self._records[name] for name in names if (self._out / name).is_file()]
        manifest = {
            **self._plan,
            "rows": sum(record.rows for record in files),
            "files": [record.to_dict(seconds=False) for record in files],
            "failed": dict(sorted(failed.items())),
        }
        write_text(self.manifest, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        self._path.unlink()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SchemaError(
                f"Another process writes scores to {self._out}. Wait for its end, or divide the "
                "files with `--shard`."
            ) from error

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _earlier(self) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Yields the plan and the files of each manifest, then of each ledger."""
        name = re.escape(self._out.name)
        for path in sorted(self._out.parent.glob(f"{glob.escape(self._out.name)}*.json")):
            if re.fullmatch(rf"{name}(\.\d+-of-\d+)?\.json", path.name):
                manifest = _manifest(path) or {"files": []}
                yield {key: manifest.get(key) for key in PLAN}, manifest["files"]
        for path in sorted(self._out.glob(".score*.jsonl")):
            lines = path.read_bytes()[: _whole_lines(path)].splitlines()
            if lines:
                plan, *files = map(json.loads, lines)
                yield plan, files


def _whole_lines(path: Path) -> int:
    """Returns the size of a ledger without a last line that a kill cut off."""
    return path.read_bytes().rfind(b"\n") + 1


def _manifest(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError:
        return None
    ours = isinstance(manifest, dict) and {*PLAN, "files"} <= set(manifest)
    return manifest if ours else None
