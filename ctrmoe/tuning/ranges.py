"""The range of one config key, as the table `[search]` gives it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ctrmoe import strict
from ctrmoe.config import ConfigError

Label = str | int | float | bool
"""What Optuna keeps of a value: itself, or the JSON text of a list or table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Numbers:
    low: int | float
    high: int | float
    step: int | float = 0
    log: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a search may give to a key.

    Args:
        key: The config key, such as `train.learning_rate`.
        distribution: The same range in Optuna's form.
        edges: Values to check the config with: every choice, or both ends.
        choices: The choices by their label; empty for numbers.
    """

    key: str
    distribution: BaseDistribution
    edges: tuple[Any, ...]
    choices: Mapping[Label, Any]

    @classmethod
    def parse(cls, key: str, table: Mapping[str, Any], hint: Any) -> Range:
        """Reads `{ choices = [...] }` or `{ low, high }` with an optional `step` or `log`.

        Args:
            key: The config key.
            table: Its entry in `[search]`.
            hint: The type of the config's field; of a layer's option it isn't known, and numbers
                are whole where `low`, `high` and `step` are.

        Raises:
            ConfigError: If the table is no range.
        """
        where = f"search.{key}"
        if ("choices" in table) == ("low" in table or "high" in table):
            raise ConfigError(
                f"`{where}` must have either `choices`, or `low` and `high`. Received: "
                f"{dict(table)}."
            )
        if "choices" in table:
            return cls._of_choices(key, table, where)
        numbers = strict.build(_Numbers, table, where, ConfigError)
        _check_numbers(numbers, where)
        return cls(key, _distribution(numbers, hint), (numbers.low, numbers.high), {})

    @classmethod
    def _of_choices(cls, key: str, table: Mapping[str, Any], where: str) -> Range:
        for name in table:
            if name != "choices":
                raise ConfigError(f"`{where}` with `choices` must have no `{name}`. Remove it.")
        values = table["choices"]
        if not isinstance(values, list) or not values:
            raise ConfigError(f"`{where}.choices` must be a list of values. Received: {values!r}.")
        choices = {label(value): value for value in values}
        if len(choices) < len(values):  # 1, 1.0 and true are one choice to Optuna
            raise ConfigError(f"`{where}.choices` must differ. Received: {values!r}.")
        return cls(key, CategoricalDistribution(list(choices)), tuple(values), choices)

    def decode(self, found: Label) -> Any:
        """Returns the value of what Optuna chose."""
        return self.choices[found] if self.choices else found

    def holds(self, value: Any) -> bool:
        """Whether `value` lies in the range."""
        if isinstance(self.distribution, CategoricalDistribution):
            return label(value) in self.choices
        if type(value) not in (int, float):
            return False
        number = self.distribution
        assert isinstance(number, IntDistribution | FloatDistribution)
        return number.low <= value <= number.high and _is_multiple(
            value - number.low, number.step or 0
        )


def label(value: Any) -> Label:
    """Returns a value as Optuna keeps it."""
    return value if isinstance(value, str | int | float) else json.dumps(value, default=str)


def _check_numbers(numbers: _Numbers, where: str) -> None:
    low, high, step = numbers.low, numbers.high, numbers.step
    for rule, holds in (
        ("`low` must lie below `high`", math.isfinite(high - low) and low < high),
        ("`step` must not be negative", step >= 0),
        ("`low` must be positive with `log`", not numbers.log or low > 0),
        ("`step` and `log` exclude each other", not (numbers.log and step)),
        ("`high` must be `low` and some steps", _is_multiple(high - low, step)),
    ):
        if not holds:
            raise ConfigError(f"`{where}`: {rule}. Received: low={low}, high={high}, step={step}.")


def _is_multiple(span: float, step: float) -> bool:
    # 0.3 / 0.1 is a little less than 3.
    return not step or math.isclose(span / step, round(span / step), abs_tol=1e-9)


def _distribution(numbers: _Numbers, hint: Any) -> BaseDistribution:
    given = (numbers.low, numbers.high, numbers.step)
    if hint is float or any(isinstance(number, float) for number in given):
        low, high, step = map(float, given)
        return FloatDistribution(low, high, log=numbers.log, step=step or None)
    low, high, step = map(int, given)
    return IntDistribution(low, high, log=numbers.log, step=step or 1)
