"""Which files a scoring writes, and which of them it need not write again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ctrmoe.config import ConfigError
from ctrmoe.data.parquet import count_rows
from ctrmoe.data.sources import SourceFile, Table
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import SUFFIX
from ctrmoe.scoring.records import FileRecord, FileTask


def plan_files(sources: Iterable[SourceFile], out: Path) -> list[FileTask]:
    """Gives every input its output.

    Raises:
        SchemaError: When two inputs have one output, or an output is its input.
    """
    tasks: dict[Path, FileTask] = {}
    for source in sources:
        name = source.relative.with_suffix(".parquet")
        path = out / name
        if path in tasks:
            raise SchemaError(
                f"{source.path} and {tasks[path].source.path} would both be written to {path}. "
                "Score them into two folders."
            )
        if path.resolve() == source.path.resolve():
            raise SchemaError(f"{path} is an input file. Choose another folder for `--out`.")
        tasks[path] = FileTask(name.as_posix(), source, path)
    return list(tasks.values())


def check_place(out: Path, inputs: Iterable[Table]) -> None:
    """Refuses an output folder that is a file, or whose files a later scoring would read.

    Args:
        out: The folder.
        inputs: What is read.

    Raises:
        SchemaError: If it can't be the output folder.
    """
    if out.exists() and not out.is_dir():
        raise SchemaError(f"{out} must be a folder or not exist. Choose another `--out`.")
    for folder in (Path(item) for item in inputs if isinstance(item, str | Path)):
        if folder.is_dir() and folder.resolve() in out.resolve().parents:
            raise SchemaError(
                f"`--out` must not lie in a folder that is read, where scores become inputs. "
                f"Received: {out} in {folder}. Choose another `--out`."
            )


def check_kept(keep: Sequence[str], tasks: Iterable[str]) -> None:
    """Refuses kept columns that are called like an output column.

    Raises:
        SchemaError: With those columns.
    """
    taken = {task + SUFFIX for task in tasks} & set(keep)
    if taken:
        raise SchemaError(
            f"`--keep` must not name an output column. Received: {sorted(taken)}. Rename the input."
        )


def share(tasks: Sequence[FileTask], shard: tuple[int, int] | None) -> list[FileTask]:
    """Returns every n-th file: the `shard` `(i, n)` of a scoring that n processes divide.

    Raises:
        ConfigError: When there is no such share.
    """
    if shard is None:
        return list(tasks)
    index, count = shard
    if not 1 <= index <= count:
        raise ConfigError(f"`shard` must be i/n with 1 <= i <= n. Received: shard={index}/{count}.")
    return list(tasks[index - 1 :: count])


def finished(
    tasks: Iterable[FileTask], records: Mapping[str, FileRecord] | None, *, resume: bool
) -> set[str]:
    """Returns the names of the files that are done.

    One whose output has changed since it was written, or whose input has, is none of them.

    Args:
        tasks: The files of a scoring.
        records: Of earlier scorings, None where there are none.
        resume: Whether outputs may exist.

    Raises:
        SchemaError: When an output exists that must not be touched.
    """
    for task in tasks:
        if task.path.exists() and not resume:
            raise SchemaError(
                f"{task.path} exists already. Add `--resume`, or choose another `--out`."
            )
        if task.path.exists() and records is None:
            raise SchemaError(
                f"{task.path} exists already, and no record says what scored it. Choose another "
                "`--out`."
            )
    known = records or {}
    return {task.name for task in tasks if task.name in known and known[task.name].holds(task)}


def total_rows(tasks: Iterable[FileTask]) -> int | None:
    """Returns the rows of all inputs by their footers; None where one of them has none."""
    total = 0
    for task in tasks:
        try:
            rows = count_rows(task.source)
        except SchemaError:
            rows = 0  # reported when it is its turn
        if rows is None:
            return None
        total += rows
    return total
