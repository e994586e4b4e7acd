"""What an export that rounds costs in accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scipy.special import logit

from ctrmoe.ahead import ahead
from ctrmoe.config import ConfigError
from ctrmoe.data.labelled import labelled_chunks
from ctrmoe.metrics import Evaluator
from ctrmoe.run import Run
from ctrmoe.scorer import SUFFIX, Scorer


def measure_accuracy(
    run: Run, folder: Path, holdout: Iterable[str | Path], max_auc_loss: float
) -> dict[str, Any]:
    """Compares an export's probabilities with its run's on labelled rows.

    Args:
        run: What was exported.
        folder: The SavedModel.
        holdout: Raw parquet or CSV files, globs or folders.
        max_auc_loss: Largest difference of a task's AUC, up or down.

    Returns:
        `rows`, `max_auc_loss` and for each of `tasks` AUC and log loss before and after.

    Raises:
        ConfigError: If the AUC of a task differs by more, or its rows are of one class.
    """
    scorers = (Scorer.of_run(run), Scorer.load(folder))
    evaluators = tuple(Evaluator(run.tasks) for _ in scorers)
    for _, encoded, labels in ahead(labelled_chunks(run.encoder, holdout)):
        for scorer, evaluator in zip(scorers, evaluators, strict=True):
            scores = scorer(encoded)
            evaluator.update(labels, {t: logit(scores[t + SUFFIX].to_numpy()) for t in run.tasks})
    before, after = (evaluator.result() for evaluator in evaluators)
    tasks = {task: _compared(before["tasks"][task], after["tasks"][task]) for task in run.tasks}
    for task, figures in tasks.items():
        _check(task, figures, max_auc_loss)
    return {"rows": before["rows"], "max_auc_loss": max_auc_loss, "tasks": tasks}


def _compared(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}_{when}": figures[name]
        for name in ("auc", "logloss")
        for when, figures in (("before", before), ("after", after))
    }


def _check(task: str, figures: dict[str, Any], limit: float) -> None:
    before, after = figures["auc_before"], figures["auc_after"]
    if before is None:
        raise ConfigError(
            f"`--holdout` must hold rows of both labels of task `{task}`. Received: rows of one. "
            "Give other rows."
        )
    if abs(after - before) > limit:
        raise ConfigError(
            f"The AUC of task `{task}` must not move by more than {limit:g}. Received: "
            f"{before:.6f} before, {after:.6f} after rounding. Nothing was exported: allow more "
            "with `--max-auc-loss`, or export without rounding."
        )
