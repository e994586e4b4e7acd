"""Scores files on a Ray cluster; the extra `ray`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ctrmoe.cluster import cluster, results
from ctrmoe.config import ConfigError
from ctrmoe.extras import check_extra
from ctrmoe.scorer import Scorer, find_model, find_schema, fingerprint
from ctrmoe.scoring.engines.base import Outcomes
from ctrmoe.scoring.file import FileScoring
from ctrmoe.scoring.records import FileFailure, FileRecord, FileTask


class RayEngine:
    """Workers of a cluster, each with the model in its memory; a lost one's file goes to another.

    The cluster is the one that this process is connected to, the one that `RAY_ADDRESS` names,
    or a new one on this machine, which ends with the scoring. All nodes need the package, and
    model, inputs and outputs under the same paths.

    Args:
        model: Whatever `Scorer.load` takes, but no scorer.
        workers: Files scored at once; one a node where it is None.

    Raises:
        ConfigError: If Ray is not installed.
        ValueError: If `model` is a scorer.
    """

    def __init__(self, model: str | Path | Scorer, workers: int | None) -> None:
        if isinstance(model, Scorer):
            raise ValueError("`model` must be a path for Ray's workers. Received: a Scorer.")
        check_extra("ray", "`--engine ray`")
        self._folder = find_model(model).absolute()
        self._workers = workers
        self.outputs = [task.name for task in find_schema(self._folder).tasks]
        self.fingerprint = fingerprint(self._folder)

    def score(
        self, tasks: Sequence[FileTask], keep: Sequence[str], on_rows: Callable[[int], None]
    ) -> Outcomes:
        """See `Engine`.

        Raises:
            ConfigError: If a file's workers are lost again and again.
        """
        import ray

        with cluster(ray):
            parts = (
                (task.source, (str(self._folder), self.fingerprint, list(keep), _absolute(task)))
                for task in tasks
            )
            calls = results(
                ray, _score_file, parts, self._workers, mend=", and go on with `--resume`"
            )
            with contextlib.closing(calls) as outcomes:
                for outcome in outcomes:
                    if isinstance(outcome, FileRecord):
                        on_rows(outcome.rows)
                    yield outcome


def _absolute(task: FileTask) -> FileTask:
    source = task.source
    if source.frame is None:
        source = type(source)(source.path.absolute(), source.relative, source.partitions)
    return FileTask(task.name, source, task.path.absolute())


def _score_file(
    model: str, expected: str, keep: list[str], task: FileTask
) -> FileRecord | FileFailure:
    """Runs on a worker."""
    import ray

    scorer = _load(model)
    if scorer.fingerprint != expected:
        raise ConfigError(f"{model} must be the same model on all nodes. Received: another one.")
    context: Any = ray.get_runtime_context()
    threads = int(context.get_assigned_resources()["CPU"])
    with ThreadPoolExecutor(threads) as pool:
        return FileScoring(scorer, keep, pool, threads, lambda rows: None)(task)


@functools.lru_cache(1)
def _load(model: str) -> Scorer:
    return Scorer.load(model)
