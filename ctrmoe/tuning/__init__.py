"""Searches for the values of config keys, by Optuna."""

from __future__ import annotations

from ctrmoe.config import ConfigError

try:
    import optuna as _  # noqa: F401
except ModuleNotFoundError as error:
    raise ConfigError(
        "A search needs Optuna. Received: no module `optuna`. Install `ctrmoe[tune]`."
    ) from error

from ctrmoe.tuning.results import TrialResult, trials_table
from ctrmoe.tuning.space import SearchSpace, load_search
from ctrmoe.tuning.tuner import Tuning, tune

__all__ = ["SearchSpace", "TrialResult", "Tuning", "load_search", "trials_table", "tune"]
