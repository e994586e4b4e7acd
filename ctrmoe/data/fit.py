"""What preparation learns from the training part: counts of values and of numbers."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from functools import partial
from typing import TypeAlias

import numpy as np
import polars as pl

from ctrmoe.data.columns import numbers
from ctrmoe.data.derived import canonical_values, raw_values
from ctrmoe.data.dtypes import DType
from ctrmoe.data.lists import Values
from ctrmoe.data.numeric import NoNumbers, NumberCounter, NumericStatistics
from ctrmoe.data.packed import DOMAIN, LABEL_PREFIX, WEIGHTS_PREFIX
from ctrmoe.data.parallel import parallel_map
from ctrmoe.data.sources import Origin
from ctrmoe.data.vocabulary import ValueCounter, Vocabulary, ordered_values
from ctrmoe.data.weights import padded_weights
from ctrmoe.schema import Feature, Schema, SchemaError

Chunk: TypeAlias = dict[str, Values | np.ndarray]
"""The rows of a chunk: categoricals as `Values`, numeric features and weights as float32."""


class Fitter:
    """Counts the training part chunk by chunk; fitters of parts can be merged in any order.

    Args:
        schema: With the `dtype` of every feature, as `resolve_dtypes` returns it.
        domain_dtype: `string` or `integer`.
    """

    def __init__(self, schema: Schema, domain_dtype: DType) -> None:
        _check_names(schema)
        self.schema = schema
        self.domain_dtype = domain_dtype
        self._numbers = {
            f.name: NumberCounter(moments=f.transform == "standard")
            for f in schema.features
            if f.kind == "numeric"
        }
        self.no_numbers: dict[str, NoNumbers] = defaultdict(NoNumbers)
        self._owners = owners(schema, domain_dtype)
        self._values = {t: ValueCounter() for t, f in self._owners.items() if not f.hash_buckets}
        self._readers = {table: {table: owner} for table, owner in self._owners.items()}
        for feature in schema.features:
            if feature.vocabulary:
                self._readers[feature.vocabulary][feature.name] = feature

    def add(self, frame: pl.DataFrame, where: Origin, rows: np.ndarray | None = None) -> Chunk:
        """Counts the rows of a chunk that a mask picks, all of them where it is None.

        Returns:
            All rows of the chunk, in the form that `Encoder.recode` takes.
        """

        def count_values(table: str) -> Chunk:
            counter, owner = self._values.get(table), self._owners[table]
            found: Chunk = {}
            for name, feature in self._readers[table].items():
                values = canonical_values(frame, feature, where)
                if counter:
                    found[name] = counter.add(values, rows).trimmed(feature)
                else:
                    found[name] = _hashed(values.trimmed(feature), owner)
            return found

        def count_numbers(name: str) -> Chunk:
            values = raw_values(frame, self.schema[name], where)
            found = numbers(values)
            self._numbers[name].add(found if rows is None else found[rows])
            if values.dtype == pl.String:
                self.no_numbers[name].add(values.filter(np.isnan(found)))
            return {name: found}

        def read_weights(feature: Feature) -> Chunk:
            return {WEIGHTS_PREFIX + feature.name: padded_weights(frame, feature, where)}

        parts = [
            *parallel_map(count_values, self._readers, len(frame)),
            *parallel_map(count_numbers, self._numbers, len(frame)),
            *map(read_weights, self.schema.weighted),
        ]
        return {name: column for part in parts for name, column in part.items()}

    def code_ids(self, vocabularies: dict[str, Vocabulary]) -> dict[str, np.ndarray]:
        """Returns the ids of the codes in the chunks that `add` returned, by vocabulary."""
        return {t: counter.code_ids(vocabularies[t]) for t, counter in self._values.items()}

    def merge(self, other: Fitter) -> None:
        """Adds what another fitter of the same schema counted."""
        for name, counter in self._numbers.items():
            counter.merge(other._numbers[name])
        for table, values in self._values.items():
            values.merge(other._values[table])
        for name, texts in other.no_numbers.items():
            own = self.no_numbers[name]
            self.no_numbers[name] = NoNumbers(own.count + texts.count, own.first or texts.first)

    def vocabularies(self) -> tuple[dict[str, Vocabulary], dict[str, int]]:
        """Returns the vocabularies, and how many values a line break keeps out of each."""
        result, broken = {}, {}
        for table, owner in self._owners.items():
            values = pl.Series("value", [], pl.String)
            if table in self._values:
                counter = self._values[table]
                values, broken[table] = ordered_values(counter, owner.dtype, owner.min_count)
            result[table] = vocabulary_of(owner, values)
        return result, {table: count for table, count in broken.items() if count}

    def statistics(self) -> dict[str, NumericStatistics]:
        """Returns the statistics of the numeric features by name.

        Raises:
            SchemaError: When a numeric feature holds text and not one number.
        """

        def statistics(feature: Feature) -> NumericStatistics:
            counter = self._numbers[feature.name]
            if not feature.is_value:
                return counter.statistics(feature.buckets)
            found = counter.statistics(1)
            quantiles = counter.quantiles(partial(found.transform, feature))
            return dataclasses.replace(found, quantiles=quantiles)

        for name, texts in self.no_numbers.items():
            if texts.count and not self._numbers[name].total:
                raise SchemaError(
                    f"Feature `{name}` must hold numbers. Received: {texts.first!r} and no number "
                    "in the training part. Declare it categorical, or write numbers as 1234.5."
                )
        return {name: statistics(self.schema[name]) for name in self._numbers}


def owners(schema: Schema, domain_dtype: DType) -> dict[str, Feature]:
    """Returns the feature that rules each vocabulary, that of the domain as `domain:id`."""
    result = {f.name: f for f in schema.features if f.kind != "numeric" and not f.vocabulary}
    if schema.domain:
        result[DOMAIN] = Feature(name=schema.domain, kind="categorical", dtype=domain_dtype)
    return result


def _check_names(schema: Schema) -> None:
    for feature in schema.features:
        if feature.name == DOMAIN or feature.name.startswith((LABEL_PREFIX, WEIGHTS_PREFIX)):
            raise SchemaError(
                f"A feature must not be called like a column of encoded files. Received: "
                f"{feature.name!r}. Rename the column."
            )


def _hashed(values: Values, owner: Feature) -> Values:
    """Replaces values by their ids, which need nothing of the training part."""
    nothing = pl.Series("value", [], pl.String)
    return Values(pl.Series(vocabulary_of(owner, nothing).ids(values.values)), values.lengths)


def vocabulary_of(owner: Feature, values: pl.Series) -> Vocabulary:
    """Makes the vocabulary that a feature rules, of its values in order."""
    return Vocabulary(values, owner.dtype, owner.oov_buckets, owner.hash_buckets)
