"""Outputs that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ctrmoe.schema import SchemaError

_OCCUPIED = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Gives a temporary file beside `path` that takes its name when the block ends well.

    Args:
        path: The file to write; an existing one is replaced at the very end.

    Raises:
        SchemaError: When the disk is full or the place can't be written to.
    """
    path = Path(path)
    partial = _partial(path)
    with _mended(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        try:
            yield partial
            _sync(partial)
            partial.replace(path)
        except BaseException:
            _remove(partial)
            raise
        _sync(path.parent)


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Gives a temporary folder beside `path` that takes its name when the block ends well.

    Args:
        path: The folder to write; it must be empty or not exist.

    Raises:
        SchemaError: When the folder holds something, the disk is full or can't be written to.
    """
    path = Path(path)
    partial = _partial(path)
    with _mended(path):
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise SchemaError(
                f"{path} must be empty or not exist. Remove it or choose another output."
            )
        _remove(partial)
        partial.mkdir(parents=True)
        try:
            yield partial
            for entry in sorted(partial.rglob("*")):
                _sync(entry)
            _sync(partial)
            partial.replace(path)
        except BaseException:
            _remove(partial)
            raise
        _sync(path.parent)


def _partial(path: Path) -> Path:
    # One fixed name: what a killed process left behind is overwritten by the next one. The dot
    # keeps `find_files` away from it.
    return path.with_name(f".{path.name}.partial")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _mended(path: Path) -> Iterator[None]:
    """Turns the errors of the disk into a sentence that says how to mend them."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SchemaError(
                f"The disk is full: {path} was not written. Free some space or choose another "
                "output."
            ) from error
        if error.errno in _OCCUPIED or error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise SchemaError(
                f"{path} can't be written: {error.strerror}. Choose another output."
            ) from error
        raise
