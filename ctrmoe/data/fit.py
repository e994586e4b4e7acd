"""What preparation learns from the training part: counts of values and of numbers."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import polars as pl

from ctrmoe.data.columns import canonical, infer_dtype, numbers
from ctrmoe.data.numeric import NumberCounter
from ctrmoe.data.parquet import column_types
from ctrmoe.data.sources import Origin, SourceFile
from ctrmoe.data.vocabulary import ValueCounter
from ctrmoe.schema import Feature, Schema, SchemaError

T = TypeVar("T")
R = TypeVar("R")

PARALLEL_ROWS = 8_192
"""Chunks of fewer rows are not worth a thread a column."""


class Fitter:
    """Counts the training part chunk by chunk.

    Args:
        schema: With the `dtype` of every feature, as `resolve_dtypes` returns it.
        domain_dtype: `string` or `integer`.
    """

    def __init__(self, schema: Schema, domain_dtype: str) -> None:
        self.schema = schema
        self.domain_dtype = domain_dtype
        self.numbers = {
            f.name: NumberCounter(moments=f.transform == "standard")
            for f in schema.features
            if f.kind == "numeric"
        }
        categoricals = [f for f in schema.features if f.kind != "numeric"]
        self.values = {
            f.name: ValueCounter() for f in categoricals if not f.vocabulary and not f.hash_buckets
        }
        self.domain = ValueCounter()
        self._sharing = defaultdict(list)
        for feature in categoricals:
            if feature.table in self.values:
                self._sharing[feature.table].append(feature)

    def add(self, frame: pl.DataFrame, where: Origin) -> None:
        """Counts the rows of a chunk."""

        def count_table(table: str) -> None:
            for feature in self._sharing[table]:
                values = canonical(flat(frame, feature), feature.dtype, where)
                self.values[table].add(values)

        def count_numbers(name: str) -> None:
            self.numbers[name].add(numbers(frame[name]))

        parallel_map(count_table, list(self.values), len(frame))
        parallel_map(count_numbers, list(self.numbers), len(frame))
        if self.schema.domain:
            domain = frame[self.schema.domain]
            self.domain.add(canonical(domain, self.domain_dtype, where))

    def merge(self, other: Fitter) -> None:
        """Adds what another fitter of the same schema counted."""
        self.domain.merge(other.domain)
        for name, counter in self.numbers.items():
            counter.merge(other.numbers[name])
        for name, values in self.values.items():
            values.merge(other.values[name])


def resolve_dtypes(schema: Schema, sources: Sequence[SourceFile]) -> tuple[Schema, str]:
    """Fills in the `dtype` of every feature from the columns of the files.

    Text in one of the files, or in one of the features that share a vocabulary, makes it
    `string`; a `dtype` that the schema names stands.

    Returns:
        The schema, and the type of the domain column.
    """
    types = [column_types(source, schema) for source in sources]
    found: dict[str, set[str]] = defaultdict(set)
    domain: set[str] = set()
    for feature in schema.features:
        if feature.kind != "numeric":
            found[feature.table] |= _dtypes(types, feature.name)
    if schema.domain:
        domain = _dtypes(types, schema.domain)

    def resolve(feature: Feature) -> Feature:
        if feature.kind == "numeric":
            return dataclasses.replace(feature, dtype="float")
        sharing = [f for f in schema.features if f.table == feature.table and f.kind != "numeric"]
        named: set[str] = {f.dtype for f in sharing if f.dtype}
        if len(named) > 1:
            raise SchemaError(
                f"Features that share the vocabulary of `{feature.table}` must have one `dtype`. "
                f"Received: {', '.join(sorted(named))}."
            )
        return dataclasses.replace(feature, dtype=_one(named or found[feature.table]))

    return schema.replace(features=tuple(map(resolve, schema.features))), _one(domain)


def flat(frame: pl.DataFrame, feature: Feature) -> pl.Series:
    """Returns the values of a categorical, those of lists one after the other."""
    if not feature.is_list:
        if frame[feature.name].dtype in (pl.List, pl.Array):
            raise SchemaError(
                f"Feature `{feature.name}` must hold one value a row. Received: a column of "
                "lists. Give it `max_length`, the number of values kept."
            )
        return frame[feature.name]
    lists = as_lists(frame, feature)
    return lists.filter(lists.list.len() > 0).explode()


def as_lists(frame: pl.DataFrame, feature: Feature) -> pl.Series:
    """Returns a list column, text split where the feature has a `separator`."""
    values = frame[feature.name]
    if isinstance(values.dtype, pl.List):
        return values
    if isinstance(values.dtype, pl.Array):
        return values.arr.to_list()
    if values.dtype == pl.Null:
        return values.cast(pl.List(pl.String))
    if feature.separator:
        return values.cast(pl.String).str.split(feature.separator)
    raise SchemaError(
        f"Feature `{feature.name}` must be a column of lists. Received: {values.dtype}. Give it "
        "the `separator` between the values, or no `max_length`."
    )


def parallel_map(function: Callable[[T], R], items: Iterable[T], rows: int) -> list[R]:
    """Maps in threads (polars and NumPy release the lock), in order."""
    if rows < PARALLEL_ROWS:
        return list(map(function, items))
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(function, items))


def _dtypes(types: Iterable[dict[str, pl.DataType]], name: str) -> set[str]:
    found: set[str] = {infer_dtype(name, table[name]) for table in types if name in table}
    return found - {""}


def _one(dtypes: Iterable[str]) -> Literal["string", "integer"]:
    return "integer" if set(dtypes) == {"integer"} else "string"
