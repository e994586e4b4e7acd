"""Scores raw tables: checks, resumes, and keeps the record of what the engines do."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from ctrmoe.config import ConfigError
from ctrmoe.data.sources import as_list, find_files
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import Scorer
from ctrmoe.scoring.engines import ENGINES, Outcomes
from ctrmoe.scoring.ledger import Ledger
from ctrmoe.scoring.plan import check_kept, check_place, finished, plan_files, share, total_rows
from ctrmoe.scoring.records import FileFailure, FileRecord, FileTask

ON_ERROR = ("stop", "skip")

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ScoreSummary:
    """What a scoring did.

    Args:
        rows: Rows scored.
        files: Files written.
        skipped: Files that an earlier, interrupted scoring had finished.
        seconds: From the first read to the last write.
        failed: Files that could not be scored, with the reason.
        manifest: Rows and checksums of all files.
    """

    rows: int = 0
    files: int = 0
    skipped: int = 0
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    manifest: Path = Path()


def score(
    model: str | Path | Scorer,
    paths: Iterable[str | Path],
    out: str | Path,
    *,
    keep: Sequence[str] = (),
    resume: bool = False,
    workers: int | None = None,
    engine: str = "local",
    on_error: str = "stop",
    shard: tuple[int, int] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> ScoreSummary:
    """Scores raw files with an exported model.

    Each output file has the relative name of its input file (as parquet), the kept columns and a
    float32 column `<task>_probability` for each task, one row for each input row in its order.
    A file appears when it is whole, and holds the same bytes whatever the workers and the engine.
    Memory is bounded by the workers' chunks, not by the files. At the end, `<out>.json` beside the
    output folder holds the rows and the SHA-256 of each of its files.

    Args:
        model: A version folder of an export, the folder above its versions, or a run folder; or
            what `Scorer.load` made of it, for the local engine.
        paths: Raw parquet or CSV files, globs or folders.
        out: The folder to write.
        keep: Columns to copy from the input.
        resume: Leaves files alone that an earlier scoring with the same model and columns has
            finished, unless they or their inputs have changed since.
        workers: Threads that compute, or files that Ray scores at once; one a core, at most eight,
            or one a node by default.
        engine: `local` or `ray`.
        on_error: Whether to `stop` at a file that can't be scored, when those before it are done,
            or to `skip` it.
        shard: `(i, n)` scores every n-th file, beginning with the i-th, so that n processes may
            divide the files and share the output folder.
        progress: Called, from any thread, with the number of rows just done and of all rows to do,
            None where the latter is not known.

    Raises:
        SchemaError: For a missing column, an output that exists or lies in a folder that is read,
            two inputs of one name, or an unknown domain where the schema refuses it.
        ConfigError: If the model is none or damaged, an option none of its choices, or Ray not
            installed.
    """
    start = time.perf_counter()
    _check_choice("engine", engine, ENGINES)
    _check_choice("on_error", on_error, ON_ERROR)
    inputs, keep, out = as_list(paths), list(dict.fromkeys(keep)), Path(out)
    check_place(out, inputs)
    scoring = ENGINES[engine](model, workers)
    check_kept(keep, scoring.outputs)
    ledger = Ledger(out, scoring.fingerprint, keep, shard)
    tasks = share(plan_files(find_files(inputs), out), shard)
    records = ledger.read() if resume else None
    done = finished(tasks, records, resume=resume)
    todo = [task for task in tasks if task.name not in done]
    total = total_rows(todo) if progress else None
    summary = ScoreSummary(skipped=len(done), manifest=ledger.manifest)

    def count(rows: int) -> None:
        if progress:
            progress(rows, total)

    count(0)
    with ledger.held(records), closing(scoring.score(todo, keep, count)) as outcomes:
        for outcome in _until_failure(outcomes, todo) if on_error == "stop" else outcomes:
            if isinstance(outcome, FileRecord):
                ledger.add(outcome)
                summary.files += 1
                summary.rows += outcome.rows
            else:
                logger.warning("Skipped %s", outcome.reason)
                summary.failed[outcome.name] = outcome.reason
        ledger.finish(summary.failed)
    summary.seconds = time.perf_counter() - start
    return summary


def _until_failure(outcomes: Outcomes, tasks: Sequence[FileTask]) -> Iterator[FileRecord]:
    """Yields the records; a failure is raised when the files before it are done."""
    left = [task.name for task in tasks]
    failure: FileFailure | None = None
    for outcome in outcomes:
        if isinstance(outcome, FileRecord):
            left.remove(outcome.name)
            yield outcome
        elif failure is None or left.index(outcome.name) < left.index(failure.name):
            failure = outcome
        if failure and left[0] == failure.name:
            raise SchemaError(failure.reason)


def _check_choice(name: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ConfigError(f"`{name}` must be one of {sorted(choices)}. Received: {name}={value!r}.")
