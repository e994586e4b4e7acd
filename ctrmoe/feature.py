"""What a column, or what is derived of columns, means to a model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from ctrmoe.condition import Condition
from ctrmoe.feature_rules import broken_rule

CategoryType = Literal["", "string", "integer"]
"""The type of a column of categories; empty where the table is to decide."""


class SchemaError(ValueError):
    """A schema, or a table that does not fit its schema; the message says how to mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One input of the model: a raw column, or what is derived of raw columns.

    Args:
        name: The raw column, where neither `source` nor `cross` names another.
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
        transform: Of a numeric: `quantile` (the number of the bucket, fed as a categorical) or a
            formula of `ctrmoe.transforms`.
        truncate: `log_square` is rounded down to a whole number, as in AutoInt's Criteo script.
        buckets: Number of buckets of `quantile`.
        dtype: `string`, `integer` or `float`: the type of the raw column that the served model
            takes; `prepare` fills it in from the table where it is left empty.
        source: The raw column, so that several features can read one column.
        where: The rows in which the feature has its value; it is missing in all others.
        cross: Of a categorical, two or more raw columns whose joint value it is. A missing member
            is a value like any other; the joint value is missing where all members are.
        cross_dtypes: `string` or `integer` for each column of `cross`, filled in as `dtype` is;
            empty for one of numbers.
        cross_edges: For each column of `cross` the ascending numbers that its ranges start with,
            from the second range on, where it holds numbers; empty for one of categories.
        contains: Of a categorical whose `source` is a column of lists, or of text that `separator`
            splits: it is 1 in the rows whose list has this value, else 0, and never missing.
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
    transform: str = "none"
    truncate: bool = False
    buckets: int = 32
    dtype: Literal["", "string", "integer", "float"] = ""
    source: str = ""
    where: Condition | None = None
    cross: tuple[str, ...] = ()
    cross_dtypes: tuple[CategoryType, ...] = ()
    cross_edges: tuple[tuple[float, ...], ...] = ()
    contains: str | int | None = None

    def __post_init__(self) -> None:
        if rule := broken_rule(self):
            raise SchemaError(f"Feature `{self.name}`: {rule}")

    @property
    def column(self) -> str:
        """The raw column of the values, except of a cross."""
        return self.source or self.name

    @property
    def cuts(self) -> dict[str, tuple[float, ...]]:
        """The edges of a cross by its columns of numbers."""
        return {name: cut for name, cut in zip(self.cross, self.cross_edges, strict=False) if cut}

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """The raw columns that are read, each as a feature that is derived of nothing."""
        dtypes: tuple[CategoryType, ...] = self.cross_dtypes or tuple("" for _ in self.cross)
        columns = [
            Feature(name=name, kind="numeric") if name in self.cuts else _category(name, dtype)
            for name, dtype in zip(self.cross, dtypes, strict=True)
        ]
        if not self.cross:
            plain: dict[str, Any] = {
                "name": self.column,
                "source": "",
                "where": None,
                "vocabulary": "",
            }
            if self.contains is not None:
                whole = isinstance(self.contains, int)
                plain |= {"contains": None, "max_length": 1}
                plain |= {"dtype": "integer" if whole else "string"}
            columns = [dataclasses.replace(self, **plain)]
        if self.where:
            whole = isinstance(self.where.equals, int)
            columns.append(_category(self.where.column, "integer" if whole else "string"))
        return tuple(columns)

    @property
    def reading(self) -> str:
        """As what a raw column is read that is this feature."""
        if self.kind == "numeric":
            return "numbers"
        return "lists" if self.is_list and not self.separator else "categories"

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


def _category(column: str, dtype: CategoryType) -> Feature:
    return Feature(name=column, kind="categorical", dtype=dtype)
