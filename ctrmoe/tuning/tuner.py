"""Runs the trials of a search, one after the other, each a whole training."""

from __future__ import annotations

import gc
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import optuna
import polars as pl
import tensorflow as tf

from ctrmoe import strict
from ctrmoe.config import Config, ConfigError
from ctrmoe.files import write_text
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError
from ctrmoe.training import train
from ctrmoe.training.manifest import data_fingerprint
from ctrmoe.tuning.checks import check_data, check_parts
from ctrmoe.tuning.reporter import TrialReporter
from ctrmoe.tuning.results import TrialResult, trials_table, write_tables
from ctrmoe.tuning.space import SearchSpace
from ctrmoe.tuning.study import FILE, SearchStudy

BEST = "best.toml"
State = Literal["complete", "pruned", "failed"]
RUN = "trial_{:04d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """What a search has found.

    Args:
        trials: A row for each trial, as `trials_table` describes it.
        best: The best trial.
        config: The config of the best trial, which is also in `best.toml`.
        run: The best trial's run.
    """

    trials: pl.DataFrame
    best: TrialResult
    config: Config
    run: Run


def tune(
    config: Config,
    search: Mapping[str, Any],
    out: str | Path,
    *,
    trials: int,
    resume: bool = False,
    timeout: float | None = None,
    prune: bool = True,
    on_trial: Callable[[TrialResult, TrialResult | None], None] | None = None,
) -> Tuning:
    """Searches for the values of config keys that give the best validation figure.

    Each trial trains the config with other values of the keys; what counts is `train.monitor` on
    the validation part after the best epoch. The first trial is the config as it stands (a key
    whose own value is outside its range is drawn), four more are drawn at random, the others by
    the tree-structured Parzen estimator. The seed of all is `config.seed`: the same search gives
    the same trials, interrupted or not.

    The folder holds `study.db` (Optuna's, readable by its dashboard), `trials.parquet` and
    `.csv`, `best.toml` (a whole config) and the run folder of the best trial.

    Args:
        config: The keys that are not varied; `data.prepared` names the prepared folder.
        search: The varied keys, as `SearchSpace` takes them.
        out: The folder to write; one process at a time.
        trials: Trials in all, with those of an interrupted search.
        resume: Goes on with the search in `out`. A training that was interrupted goes on too.
        timeout: Seconds after which no further trial starts.
        prune: Ends a trial early when, after an epoch, its best figure so far is worse than the
            median of the others' at that epoch, from the sixth trial on.
        on_trial: Called after every trial with it and the best one so far.

    Raises:
        ConfigError: If a key or a range is wrong, `out` holds another search, or no trial ends
            well.
        SchemaError: If the disk is full or can't be written to; the search can be resumed.

    Reference:
        Akiba et al., Optuna: A Next-generation Hyperparameter Optimization Framework, 2019,
        arXiv:1907.10902.
    """
    out = Path(out)
    _check_limits(trials, timeout)
    space = SearchSpace(search, config)
    if (out / FILE).exists() and not resume:
        raise ConfigError(
            f"{out} holds a search already. Add `--resume`, or choose another folder."
        )
    check_parts(space, check_data(config))
    out.mkdir(parents=True, exist_ok=True)
    searching = _Search(space, out, prune)
    try:
        searching.run(trials, timeout, on_trial)
        return searching.summary()
    finally:
        searching.study.close()


def _check_limits(trials: int, timeout: float | None) -> None:
    if trials < 1:
        raise ConfigError(f"`trials` must be at least 1. Received: trials={trials}.")
    if timeout is not None and not timeout > 0:
        raise ConfigError(f"`timeout` must be positive. Received: timeout={timeout}.")


class _Search:
    """A search between its trials."""

    def __init__(self, space: SearchSpace, out: Path, prune: bool) -> None:
        self.space = space
        self.out = out
        config = space.config
        self.figure = f"valid_{config.train.monitor}"
        self.sign = 1 if config.train.monitor.endswith("auc") else -1
        settings = {
            "config": config.to_dict(),
            "[search]": {own.key: str(own.distribution) for own in space.ranges},
            "data": data_fingerprint(config.data.prepared),
            "pruning": prune,
        }
        direction: Any = "maximize" if self.sign == 1 else "minimize"
        self.study = SearchStudy(out, space, settings, direction=direction, prune=prune)

    def run(
        self,
        trials: int,
        timeout: float | None,
        on_trial: Callable[[TrialResult, TrialResult | None], None] | None,
    ) -> None:
        end = time.monotonic() + (timeout or math.inf)
        self._keep_up()
        for _ in range(len(self.study.results()), trials):
            if time.monotonic() >= end:
                return
            result = self._trial()
            self._keep_up()
            if on_trial:
                on_trial(result, self.best())

    def _trial(self) -> TrialResult:
        number = len(self.study.results())
        trial = self.study.ask()
        folder = self.out / RUN.format(number)
        reporter = TrialReporter(trial, folder, self.figure)
        values = self.space.decode(trial.params)
        start = time.perf_counter()
        state, reason = self._train(values, folder, reporter)
        history = reporter.history()
        figures = [] if state == "failed" else (self.sign * history[self.figure]).to_list()
        result = TrialResult(
            number=number,
            state=state,
            value=self.sign * max(figures) if figures else None,
            epochs=history.height,
            # The history knows of the time before an interruption.
            seconds=round(history["seconds"][-1] if figures else time.perf_counter() - start, 3),
            reason=reason,
            parameters=values,
        )
        self.study.tell(trial, result)
        keras.utils.clear_session()
        gc.collect()
        return result

    def _train(
        self, values: Mapping[str, Any], folder: Path, reporter: TrialReporter
    ) -> tuple[State, str]:
        try:
            config = self.space.with_values(values)
            _remove_other(folder, config)
            train(config, folder, resume=True, callbacks=[reporter])
            reporter.catch_up()
        except optuna.TrialPruned as pruned:
            return "pruned", str(pruned)
        except (ConfigError, SchemaError) as error:
            if isinstance(error.__cause__, OSError):  # a full disk is not the trial's fault
                raise
            return "failed", str(error)
        except tf.errors.ResourceExhaustedError as error:
            return "failed", f"Out of memory: {error.message.splitlines()[0]}"
        return "complete", ""

    def best(self) -> TrialResult | None:
        """The best trial that has ended well; of equal ones the first."""
        ended = [r for r in self.study.results() if r.state == "complete" and r.value is not None]
        return max(ended, key=lambda r: self.sign * (r.value or 0.0), default=None)

    def _keep_up(self) -> None:
        """Brings the folder in line with the study; safe to be interrupted and repeated."""
        results, best = self.study.results(), self.best()
        write_tables(trials_table(results, self.space.keys), self.out)
        if best:
            text = strict.dump_toml(self.space.with_values(best.parameters).to_dict())
            title = f"# Trial {best.number}: {self.figure} {best.value:.6f}.\n"
            write_text(self.out / BEST, title + text)
        for result in results:
            if not best or result.number != best.number:
                shutil.rmtree(self.out / RUN.format(result.number), ignore_errors=True)

    def summary(self) -> Tuning:
        results, best = self.study.results(), self.best()
        if best is None:
            reasons = [result.reason for result in results if result.reason]
            raise ConfigError(
                f"A trial must end well. Received: {len(results)} that did not; the first: "
                f"{reasons[0] if reasons else 'none was started before the timeout'}"
            )
        return Tuning(
            trials=trials_table(results, self.space.keys),
            best=best,
            config=self.space.with_values(best.parameters),
            run=Run(self.out / RUN.format(best.number)),
        )


def _remove_other(folder: Path, config: Config) -> None:
    """Removes a run that can't be gone on with: not begun, or of another config."""
    if folder.exists() and (not (folder / "config.json").is_file() or Run(folder).config != config):
        shutil.rmtree(folder)
