"""Scores files in threads of this process, which share the model."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

from ctrmoe.scorer import Scorer
from ctrmoe.scoring.engines.base import Outcomes
from ctrmoe.scoring.file import FileScoring
from ctrmoe.scoring.records import FileTask

MAX_WORKERS = 8
WORKERS_A_FILE = 4
"""So many are kept busy by one thread that reads and writes, with the smallest models."""


class _StoppedError(Exception):
    """Nobody wants the rest."""


class LocalEngine:
    """Threads that are shared by all files, so that a single large one keeps them busy.

    TensorFlow, polars and pyarrow let go of the interpreter's lock: no second copy of the model is
    needed. Two files or more are open at once: one is read and written while the last chunks of
    another are computed.

    Args:
        model: Whatever `Scorer.load` takes, or what it has returned.
        workers: Threads that compute; one a core, at most eight, where it is None.
    """

    def __init__(self, model: str | Path | Scorer, workers: int | None) -> None:
        self._scorer = model if isinstance(model, Scorer) else Scorer.load(model)
        self._workers = workers or min(os.cpu_count() or 1, MAX_WORKERS)
        self.outputs = self._scorer.tasks
        self.fingerprint = self._scorer.fingerprint

    def score(
        self, tasks: Sequence[FileTask], keep: Sequence[str], on_rows: Callable[[int], None]
    ) -> Outcomes:
        """See `Engine`."""
        stopped = threading.Event()

        def count(rows: int) -> None:
            if stopped.is_set():
                raise _StoppedError
            on_rows(rows)

        with ExitStack() as stack:
            chunks = stack.enter_context(ThreadPoolExecutor(self._workers, "score-chunk"))
            at_once = max(2, self._workers // WORKERS_A_FILE)
            files = stack.enter_context(ThreadPoolExecutor(at_once, "score-file"))
            stack.callback(files.shutdown, wait=False, cancel_futures=True)
            stack.callback(stopped.set)
            score = FileScoring(self._scorer, keep, chunks, self._workers, count)
            for done in as_completed([files.submit(score, task) for task in tasks]):
                yield done.result()
