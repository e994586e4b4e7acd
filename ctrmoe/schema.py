"""What a table means: its features, tasks, domain, group and timestamp columns."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ctrmoe import strict
from ctrmoe.limits import Limits

PADDING, MISSING, UNKNOWN = 0, 1, 2
"""The reserved ids of every vocabulary: padding is masked, unknown may be several buckets."""

UNLABELLED = -1
"""The label of a row that does not count for a task; raw tables have null there."""


class SchemaError(ValueError):
    """A schema, or a table that does not fit its schema; the message says how to mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A binary label to predict; the model's output is named after it.

    Args:
        name: Name of the output: letters, digits, `_`, `-` and `.`, the first no `-`.
        column: Column of the raw table that holds 0 or 1; the task's name where left empty. With
            several tasks a row may have null there: it then does not count for this task.
        weight: Weight of the task's loss.
    """

    name: str
    column: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        # The name becomes that of a TensorFlow graph node and of a served output.
        if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*", self.name):
            raise SchemaError(
                "`name` of a task must consist of letters, digits, `_`, `-` and `.`. Received: "
                f"{self.name!r}. Give the raw column as `column`."
            )

    @property
    def label(self) -> str:
        """The raw column of the label."""
        return self.column or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One input column of the raw table.

    Args:
        name: The raw column.
        kind: `categorical` (a string or whole number, or a list of them with `max_length`),
            `numeric`, or `sequence` (a list, oldest first).
        min_count: Values seen less often in the training part are unknown.
        hash_buckets: Above 0, values are hashed into so many ids instead of a vocabulary.
        oov_buckets: Ids that unknown values are spread over by hash; 1 gives all of them id 2.
        max_length: Ids kept of a list: the newest (last) of a sequence, the first of a
            multi-valued categorical; 0 means that a categorical holds one value.
        separator: Splits a string column into a list, as `|` does in `a|b`.
        vocabulary: Name of the feature whose vocabulary and table this one shares.
        weights: Of a multi-valued categorical, the column with the weights of its values: lists of
            as many numbers, none negative; null for ones.
        transform: Of a numeric: `none`, `standard` ((x - mean) / deviation), `log`
            (sign(x)·ln(1 + |x|)), `log_square` (ln(x)² above 2, else x), `quantile` (the number
            of the bucket, fed as a categorical).
        truncate: `log_square` is rounded down to a whole number, as in AutoInt's Criteo script.
        buckets: Number of buckets of `quantile`.
        dtype: `string`, `integer` or `float`: the type of the raw column that the served model
            takes; `prepare` fills it in from the table where it is left empty.
    """

    name: str
    kind: Literal["categorical", "numeric", "sequence"]
    min_count: int = 1
    hash_buckets: int = 0
    oov_buckets: int = 1
    max_length: int = 0
    separator: str = ""
    vocabulary: str = ""
    weights: str = ""
    transform: Literal["none", "standard", "log", "log_square", "quantile"] = "none"
    truncate: bool = False
    buckets: int = 32
    dtype: Literal["", "string", "integer", "float"] = ""

    def __post_init__(self) -> None:
        for rule, holds in self._rules():
            if not holds:
                raise SchemaError(f"Feature `{self.name}`: {rule}")

    def _rules(self) -> list[tuple[str, bool]]:
        numeric = self.kind == "numeric"
        return [
            ("`name` must not be empty.", bool(self.name)),
            (f"`min_count` must be at least 1. Received: {self.min_count}.", self.min_count >= 1),
            (
                f"`hash_buckets` must not be negative. Received: {self.hash_buckets}.",
                self.hash_buckets >= 0,
            ),
            (
                f"`oov_buckets` must be at least 1. Received: {self.oov_buckets}.",
                self.oov_buckets >= 1,
            ),
            (f"`buckets` must be at least 2. Received: {self.buckets}.", self.buckets >= 2),
            (
                f"`max_length` must be at least 1 for a sequence. Received: {self.max_length}. "
                "Give the number of items kept, the newest.",
                self.kind != "sequence" or self.max_length > 0,
            ),
            (
                "`max_length`, `separator`, `vocabulary` and `hash_buckets` are not for a numeric.",
                not numeric
                or not (self.max_length or self.separator or self.vocabulary or self.hash_buckets),
            ),
            (
                f"`transform` is for a numeric. Received: {self.transform!r}, kind={self.kind!r}.",
                numeric or self.transform == "none",
            ),
            (
                "`separator` needs `max_length`, the number of values kept.",
                not self.separator or self.max_length > 0,
            ),
            (
                "`dtype` must be string where a `separator` splits text. Received: 'integer'.",
                not self.separator or self.dtype != "integer",
            ),
            (
                f"`weights` is for a multi-valued categorical without `separator`. Received: "
                f"{self.weights!r}, kind={self.kind!r}, max_length={self.max_length}.",
                not self.weights
                or (self.kind == "categorical" and self.max_length > 0 and not self.separator),
            ),
            (
                f"`dtype` of a numeric must be float. Received: {self.dtype!r}.",
                not numeric or self.dtype in ("", "float"),
            ),
            (
                "`dtype` of a categorical must be string or integer. Received: 'float'.",
                numeric or self.dtype != "float",
            ),
        ]

    @property
    def is_list(self) -> bool:
        """Whether a row holds several ids of this feature."""
        return self.max_length > 0

    @property
    def is_value(self) -> bool:
        """Whether the model reads the feature as a number rather than as an id."""
        return self.kind == "numeric" and self.transform != "quantile"

    @property
    def table(self) -> str:
        """The feature whose vocabulary and embedding table this one uses."""
        return self.vocabulary or self.name


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
        self._check_labels()
        self._check_weights()
        for feature in self.features:
            self._check_shared(feature)
        self._check_limits()

    def _check_limits(self) -> None:
        if rule := self.limits.broken_rule():
            raise SchemaError(rule)
        known = [*(feature.name for feature in self.features), self.domain]
        for column in self.limits.columns:
            if column not in known:
                raise SchemaError(
                    f"`limits.columns` must name features. Received: {column!r}."
                    + strict.suggestion(column, filter(None, known))
                )

    def _check_labels(self) -> None:
        labels = {task.label: task.name for task in self.tasks}
        for feature in self.features:
            if feature.name in labels:
                raise SchemaError(
                    f"Feature `{feature.name}` is the label of task `{labels[feature.name]}`: a "
                    "model that reads its label learns nothing. Remove the feature."
                )

    def _check_shared(self, feature: Feature) -> None:
        if not feature.vocabulary:
            return
        owners = {f.name: f for f in self.features if f.kind != "numeric"}
        owner = owners.get(feature.vocabulary)
        if owner is None:
            numeric = any(f.name == feature.vocabulary for f in self.features)
            raise SchemaError(
                f"Feature `{feature.name}`: `vocabulary` must name a categorical or sequence "
                f"feature. Received: {feature.vocabulary!r}{', a numeric' if numeric else ''}."
                + strict.suggestion(feature.vocabulary, owners)
            )
        if owner.vocabulary:
            raise SchemaError(
                f"Feature `{feature.name}`: `vocabulary` must name the feature that owns the "
                f"vocabulary. Received: {owner.name!r}, which shares {owner.vocabulary!r}. "
                + ("Leave it out." if owner == feature else f"Name {owner.vocabulary!r}.")
            )

    def _check_weights(self) -> None:
        taken = Counter([f.name for f in self.features] + [task.label for task in self.tasks])
        for feature in self.weighted:
            taken[feature.weights] += 1
            if taken[feature.weights] > 1:
                raise SchemaError(
                    f"Feature `{feature.name}`: `weights` must name a column that is no feature, "
                    f"no label and no other feature's weights. Received: {feature.weights!r}."
                )

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
    def raw_inputs(self) -> tuple[str, ...]:
        """Raw columns that the features read, in the order of the served inputs."""
        return (*(f.name for f in self.features), *(f.weights for f in self.weighted))

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
    return {
        field.name: value
        for field in dataclasses.fields(record)
        if (value := getattr(record, field.name)) != field.default and value != {}
    }
