"""What a table means: its features, tasks, domain, group and timestamp columns."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ctrmoe import strict
from ctrmoe.condition import Condition
from ctrmoe.feature import Feature as Feature
from ctrmoe.feature import SchemaError as SchemaError
from ctrmoe.limits import Limits
from ctrmoe.task import Task as Task

PADDING, MISSING, UNKNOWN = 0, 1, 2
"""The reserved ids of every vocabulary: padding is masked, unknown may be several buckets."""

UNLABELLED = -1
"""The label of a row that does not count for a task; raw tables have null there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """What the columns of a table mean.

    Args:
        name: Name of the data set.
        tasks: Labels to predict.
        features: Input columns; their order is the order of the model's fields.
        domain: Column with the business domain of a row, empty for none.
        unknown_domains: What becomes of a row whose domain is neither null nor one of the training
            part's: `fallback` takes it as a row of no known domain; with `refuse` it is an error
            of `prepare`, `evaluate` and `score`. The exported graph, and rows that are encoded or
            scored in memory, always fall back: a served request must not fail.
        group: Column that GAUC groups by, empty for none.
        timestamp: Column that `--split time:` orders by, empty for none.
        columns: Names of the columns of CSV files without a header line.
        limits: What `ctrmoe check` tolerates; nothing else reads them.
    """

    name: str
    tasks: tuple[Task, ...]
    features: tuple[Feature, ...]
    domain: str = ""
    unknown_domains: Literal["fallback", "refuse"] = "fallback"
    group: str = ""
    timestamp: str = ""
    columns: tuple[str, ...] = ()
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not self.tasks:
            raise SchemaError("`tasks` must name at least one label.")
        if not self.features:
            raise SchemaError("`features` must name at least one column.")
        for kind, names in (
            ("tasks", [task.name for task in self.tasks]),
            ("features", [feature.name for feature in self.features]),
            ("columns", list(self.columns)),
        ):
            repeated = [name for name, count in Counter(names).items() if count > 1]
            if repeated:
                raise SchemaError(f"`{kind}` must not repeat a name. Received twice: {repeated}.")
        if self.unknown_domains == "refuse" and not self.domain:
            raise SchemaError(
                "`unknown_domains` must be left out where no column is the `domain`. Received: "
                f"{self.unknown_domains!r}."
            )
        self._check_columns()
        self._check_labels()
        self._check_weights()
        for feature in self.features:
            self._check_shared(feature)
        self._check_limits()

    def _check_limits(self) -> None:
        if rule := self.limits.broken_rule():
            raise SchemaError(rule)
        known = [*(column.name for column in self.inputs), self.domain]
        for column in self.limits.columns:
            if column not in known:
                raise SchemaError(
                    f"`limits.columns` must name columns of features. Received: {column!r}."
                    + strict.suggestion(column, filter(None, known))
                )

    def _check_labels(self) -> None:
        labels = {task.label: task.name for task in self.tasks}
        for feature in self.features:
            for column in feature.inputs:
                if column.name in labels:
                    raise SchemaError(
                        f"Feature `{feature.name}` reads the label of task "
                        f"`{labels[column.name]}`: a model that reads its label learns nothing. "
                        "Remove the feature."
                    )

    def _check_columns(self) -> None:
        """A served column has one type and one shape."""
        first: dict[str, tuple[str, str]] = {}
        for feature in self.features:
            for column in feature.inputs:
                reading, name = first.setdefault(column.name, (column.reading, feature.name))
                if reading != column.reading:
                    raise SchemaError(
                        f"Column `{column.name}` must be read as numbers, as lists or as "
                        f"categories. Received: {reading} by feature `{name}`, {column.reading} by "
                        f"feature `{feature.name}`. Give one of them a column of its own, or cut "
                        "numbers for a cross by `cross_edges`."
                    )

    def _check_shared(self, feature: Feature) -> None:
        if not feature.vocabulary:
            return
        owners = {f.name: f for f in self.features if f.kind != "numeric" and not f.cross}
        owner = owners.get(feature.vocabulary)
        if owner is None:
            other = [f for f in self.features if f.name == feature.vocabulary]
            kind = "".join(", a cross" if f.cross else ", a numeric" for f in other)
            raise SchemaError(
                f"Feature `{feature.name}`: `vocabulary` must name a categorical or sequence "
                f"feature. Received: {feature.vocabulary!r}{kind}."
                + strict.suggestion(feature.vocabulary, owners)
            )
        if owner.vocabulary:
            raise SchemaError(
                f"Feature `{feature.name}`: `vocabulary` must name the feature that owns the "
                f"vocabulary. Received: {owner.name!r}, which shares {owner.vocabulary!r}. "
                + ("Leave it out." if owner == feature else f"Name {owner.vocabulary!r}.")
            )

    def _check_weights(self) -> None:
        taken = {column.name for column in self.inputs} | {task.label for task in self.tasks}
        for feature in self.weighted:
            if feature.weights in taken:
                raise SchemaError(
                    f"Feature `{feature.name}`: `weights` must name a column that is no feature, "
                    f"no label and no other feature's weights. Received: {feature.weights!r}."
                )
            taken.add(feature.weights)

    def __getitem__(self, name: str) -> Feature:
        """Returns the feature called `name`."""
        return next(f for f in self.features if f.name == name)

    def owner(self, feature: Feature) -> Feature:
        """Returns the feature whose vocabulary `feature` uses: itself, or the one it names."""
        return self[feature.table]

    @property
    def single(self) -> tuple[Feature, ...]:
        """Features with one id a row, in order: the columns of `ids`."""
        return tuple(f for f in self.features if not f.is_list and not f.is_value)

    @property
    def lists(self) -> tuple[Feature, ...]:
        """Features with several ids a row, in order: the columns of `sequences`."""
        return tuple(f for f in self.features if f.is_list)

    @property
    def weighted(self) -> tuple[Feature, ...]:
        """Features whose values have weights, in order: the columns of `weights`."""
        return tuple(f for f in self.features if f.weights)

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """The raw columns that the features read, each once, as features derived of nothing."""
        found: dict[str, Feature] = {}
        for column in (column for feature in self.features for column in feature.inputs):
            # One of two readers of a list may have weights for it.
            if column.name not in found or column.weights:
                found[column.name] = column
        return tuple(found.values())

    @property
    def raw_inputs(self) -> tuple[str, ...]:
        """Raw columns that the features read, in the order of the served inputs."""
        return (*(column.name for column in self.inputs), *(f.weights for f in self.weighted))

    @property
    def values(self) -> tuple[Feature, ...]:
        """Features read as numbers, in order: the columns of `values`."""
        return tuple(f for f in self.features if f.is_value)

    @property
    def input_widths(self) -> dict[str, tuple[int, str]]:
        """Width and dtype of each packed matrix of the features."""
        return self.packed(reads_domain=False)

    def packed(self, reads_domain: bool) -> dict[str, tuple[int, str]]:
        """Returns width and dtype of each packed matrix that a model of this schema reads."""
        widths = {
            "ids": (len(self.single), "int32"),
            "sequences": (sum(feature.max_length for feature in self.lists), "int32"),
            "values": (len(self.values), "float32"),
            "weights": (sum(feature.max_length for feature in self.weighted), "float32"),
            "domain": (int(reads_domain and bool(self.domain)), "int32"),
        }
        return {name: (width, dtype) for name, (width, dtype) in widths.items() if width}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Schema:
        """Builds a schema from its TOML table."""
        return strict.build(cls, table, "", SchemaError)

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """Reads a schema file.

        Raises:
            SchemaError: With the file's name and the rule that is broken.
        """
        try:
            return cls.from_dict(strict.read_toml(path, SchemaError))
        except SchemaError as error:
            message = str(error)
            raise SchemaError(message if str(path) in message else f"{path}: {message}") from None

    def to_dict(self) -> dict[str, Any]:
        """Returns the TOML table of this schema, values that equal their default left out."""
        table = _without_defaults(self)
        table["tasks"] = [_without_defaults(task) for task in self.tasks]
        table["features"] = [_without_defaults(feature) for feature in self.features]
        if "limits" in table:
            table["limits"] = _without_defaults(self.limits)
        return table

    def dumps(self) -> str:
        """Returns the text of the schema file."""
        return strict.dump_toml(self.to_dict())

    def replace(self, **changes: Any) -> Schema:
        """Returns a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)


def _without_defaults(record: Any) -> dict[str, Any]:
    table = {
        field.name: value
        for field in dataclasses.fields(record)
        if (value := getattr(record, field.name)) != field.default and value != {}
    }
    if isinstance(table.get("where"), Condition):
        table["where"] = dataclasses.asdict(table["where"])
    return table
