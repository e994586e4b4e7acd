"""Optuna's study of a search, kept in one SQLite file that survives a kill."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from ctrmoe.config import ConfigError
from ctrmoe.tuning.results import TrialResult
from ctrmoe.tuning.space import SearchSpace

FILE = "study.db"
NAME = "ctrmoe"
SETTINGS = "settings"
NOTE = "note"
STARTUP_TRIALS = 5
"""Trials drawn at random before the sampler learns; Optuna's 10 is a whole small search."""
STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


class SearchStudy:
    """The trials of a search.

    A trial counts once it has ended with a note of what became of it. One that a killed process
    left behind has none: it is closed and started again under the same number. Its sampler is
    seeded by the search's seed and that number, and sees the trials that count, so the search goes
    on as if it had never been interrupted.

    Args:
        folder: Where `study.db` is, or is to be.
        space: What is varied.
        settings: What a resumed search must have in common with its start, by name.
        direction: Whether a larger or a smaller value is better.
        prune: Whether a trial ends early when, after an epoch, its best value so far is worse than
            the median of the others' at that epoch (measured in `benchmarks/results/pruning.md`).

    Raises:
        ConfigError: If the study there was started with other settings.
    """

    def __init__(
        self,
        folder: Path,
        space: SearchSpace,
        settings: Mapping[str, Any],
        *,
        direction: Literal["maximize", "minimize"],
        prune: bool,
    ) -> None:
        optuna.logging.set_verbosity(logging.WARNING)
        self.space = space
        self.seed = space.config.seed
        self._storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / FILE).resolve()}")
        self._study = optuna.create_study(
            storage=self._storage,
            study_name=NAME,
            direction=direction,
            load_if_exists=True,
            pruner=_pruner(prune),
        )
        self._check(folder, settings)
        for trial in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            self._study.tell(trial.number, state=TrialState.FAIL)

    def close(self) -> None:
        """Lets go of the file."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _check(self, folder: Path, settings: Mapping[str, Any]) -> None:
        started = self._study.user_attrs.get(SETTINGS)
        if started is None:
            self._study.set_user_attr(SETTINGS, dict(settings))
            return
        for name, value in settings.items():
            if started.get(name) != value:
                self.close()
                raise ConfigError(
                    f"{folder} was started with another {name}. Resume with the same, or choose "
                    "another folder."
                )

    def ask(self) -> Trial:
        """Starts the next trial, with a value for every key."""
        number = len(self._ended())
        entropy = [self.seed % 2**64, number]
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=STARTUP_TRIALS,
            seed=int(np.random.SeedSequence(entropy).generate_state(1)[0]),
            constant_liar=False,  # one trial at a time
        )
        waiting = self._study.get_trials(deepcopy=False, states=[TrialState.WAITING])
        if not number and not waiting:
            # The first trial is the config as it stands: a search never ends below it.
            self._study.enqueue_trial(self.space.start())
        return self._study.ask(self.space.distributions)

    def tell(self, trial: Trial, result: TrialResult) -> None:
        """Ends a trial."""
        note = {"epochs": result.epochs, "seconds": result.seconds, "reason": result.reason}
        trial.set_user_attr(NOTE, {**note, "value": result.value})
        state = next(key for key, name in STATES.items() if name == result.state)
        self._study.tell(trial, result.value if result.state == "complete" else None, state)

    def results(self) -> list[TrialResult]:
        """Returns the trials that have ended."""
        return [
            TrialResult(
                number=number,
                state=STATES[trial.state],  # type: ignore[arg-type]
                parameters=self.space.decode(trial.params),
                **trial.user_attrs[NOTE],
            )
            for number, trial in enumerate(self._ended())
        ]

    def _ended(self) -> list[FrozenTrial]:
        trials = self._study.get_trials(deepcopy=False, states=list(STATES))
        return [trial for trial in trials if NOTE in trial.user_attrs]


def _pruner(prune: bool) -> optuna.pruners.BasePruner:
    if not prune:
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS)
