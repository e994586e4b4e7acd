"""The keys that a search varies, checked against the config."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from optuna.distributions import BaseDistribution

from ctrmoe import strict
from ctrmoe.config import SEARCH, Config, ConfigError
from ctrmoe.tuning.ranges import Label, Range, label

FIXED = {
    "data.prepared": "trials on other validation rows can't be compared",
    "train.monitor": "it is what the trials are compared by",
}
"""Keys that no search may vary, and why."""


def load_search(path: str | Path) -> dict[str, Any]:
    """Returns the table `[search]` of a config file.

    Raises:
        ConfigError: If the file has none.
    """
    table = strict.read_toml(path, ConfigError)
    if not isinstance(table.get(SEARCH), dict) or not table[SEARCH]:
        raise ConfigError(
            f"{path} must have a table `[{SEARCH}]` with a range for each key to vary, such as "
            '"train.learning_rate" = { low = 1e-4, high = 1e-2, log = true }.'
        )
    return table[SEARCH]


class SearchSpace:
    """Ranges of config keys.

    Every range is tried on the config, one value at a time, before a search begins.

    Args:
        table: Ranges by dotted key: `{ choices = [...] }`, or `{ low, high }` with `step` or
            `log`. Nested tables name the same keys.
        config: What the other keys are, and where the search starts.

    Raises:
        ConfigError: If a key is unknown, a range is none, or a value does not fit the config.
    """

    def __init__(self, table: Mapping[str, Any], config: Config) -> None:
        self.config = config
        entries = dict(_entries(table, ""))
        self.ranges = [Range.parse(key, entry, _hint(key)) for key, entry in entries.items()]
        for key, value in self.edges():
            self.with_values({key: value})

    @property
    def keys(self) -> list[str]:
        """The varied keys."""
        return [own.key for own in self.ranges]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The ranges in Optuna's form."""
        return {own.key: own.distribution for own in self.ranges}

    def edges(self) -> Iterator[tuple[str, Any]]:
        """Yields every choice and both ends of the numbers, a key at a time."""
        return ((own.key, value) for own in self.ranges for value in own.edges)

    def decode(self, parameters: Mapping[str, Label]) -> dict[str, Any]:
        """Returns the values of what Optuna chose, by key."""
        return {own.key: own.decode(parameters[own.key]) for own in self.ranges}

    def start(self) -> dict[str, Label]:
        """Returns the config's own values, of those keys whose range holds them."""
        table = self.config.to_dict()
        own = {r.key: _get(table, r.key.split(".")) for r in self.ranges}
        return {r.key: label(own[r.key]) for r in self.ranges if r.holds(own[r.key])}

    def with_values(self, values: Mapping[str, Any]) -> Config:
        """Returns the config with other values of some keys.

        Raises:
            ConfigError: If a value does not fit.
        """
        table = copy.deepcopy(self.config.to_dict())
        for key, value in values.items():
            _set(table, key, value)
        try:
            return Config.from_dict(table)
        except ConfigError as error:
            raise ConfigError(f"[{SEARCH}] {error}") from error


def _entries(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the ranges by dotted key: TOML reads an unquoted one as nested tables."""
    for key, entry in table.items():
        where = f"{prefix}{key}"
        if not isinstance(entry, Mapping):
            raise ConfigError(
                f"`{SEARCH}.{where}` must be a table with `choices`, or `low` and `high`. "
                f"Received: {entry!r}."
            )
        if entry and all(isinstance(inner, Mapping) for inner in entry.values()):
            yield from _entries(entry, f"{where}.")
        else:
            yield where, entry


def _hint(key: str) -> Any:
    """The type of a config key; `Any` below a table that goes to a constructor."""
    if key in FIXED:
        raise ConfigError(f"`{SEARCH}.{key}` must not be given: {FIXED[key]}.")
    hint: Any = Config
    parts = key.split(".")
    for number, part in enumerate(parts):
        hints = get_type_hints(hint)
        where = ".".join(parts[: number + 1])
        if part not in hints:
            raise ConfigError(
                f"Unknown key `{where}` in [{SEARCH}].{strict.suggestion(part, hints)}"
            )
        hint = hints[part]
        if get_origin(hint) is not None and issubclass(_class(hint), Mapping):
            return Any
        if not dataclasses.is_dataclass(hint):
            break
    if where != key or dataclasses.is_dataclass(hint):
        kind = "a table" if where == key else f"no key: `{where}` is a value"
        raise ConfigError(f"`{SEARCH}.{key}` must name a value. Received: {kind}.")
    return hint


def _class(hint: Any) -> type:
    origin = get_origin(hint)
    return origin if isinstance(origin, type) else object


def _get(table: Any, parts: list[str]) -> Any:
    for part in parts:
        table = table.get(part) if isinstance(table, Mapping) else None
    return table


def _set(table: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for number, parent in enumerate(parents):
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            where = ".".join(parents[: number + 1])
            raise ConfigError(f"`{SEARCH}.{key}`: `{where}` is a value, not a table.")
    table[last] = value
