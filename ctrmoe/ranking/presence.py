"""Whether a list holds a value, as a feature of its own."""

from __future__ import annotations

import dataclasses

from ctrmoe.data.encode import Encoder
from ctrmoe.data.sources import Table
from ctrmoe.limits import Limits
from ctrmoe.schema import Feature, Schema, SchemaError


def with_presence(schema: Schema, data: Table, count: int) -> Schema:
    """Returns the schema with features like `genres has Comedy` beside each multi-valued one.

    They are categories, 1 in the rows whose list has the value and else 0, that `prepare` and the
    served model compute of the list column; a name that the schema has already is left out. The
    data is read once, to find the values that most rows hold.

    Args:
        schema: Its multi-valued categoricals are looked at, not its sequences.
        data: Files, globs, folders or frames.
        count: Most values of each.

    Raises:
        SchemaError: When `count` is below 1 or no feature is multi-valued.

    Reference:
        OutRank 0.97.5, `--explode_multivalue_features`, which gives each value a column.
    """
    if count < 1:
        raise SchemaError(f"`explode` must be at least 1. Received: {count}. Or leave it out.")
    lists = tuple(map(_counted, filter(_is_multi_valued, schema.features)))
    if not lists:
        raise SchemaError(
            "`explode` must be left out where no categorical feature has `max_length`. Received: "
            f"{count}, of a schema without multi-valued features."
        )
    alone = schema.replace(features=lists, domain="", unknown_domains="fallback", limits=Limits())
    encoder = Encoder.fit(alone, data)
    taken = {feature.name for feature in schema.features}
    found = [
        _presence(schema[feature.name], value if feature.dtype == "string" else int(value))
        for feature in encoder.schema.features
        for value in encoder.vocabularies[feature.name].values[:count]
    ]
    return schema.replace(features=(*schema.features, *(f for f in found if f.name not in taken)))


def _is_multi_valued(feature: Feature) -> bool:
    return feature.kind == "categorical" and feature.is_list


def _counted(feature: Feature) -> Feature:
    """The feature with a vocabulary of its own that holds every value."""
    return dataclasses.replace(feature, vocabulary="", weights="", hash_buckets=0, min_count=1)


def _presence(feature: Feature, value: str | int) -> Feature:
    return Feature(
        name=f"{feature.name} has {value}",
        kind="categorical",
        source=feature.column,
        separator=feature.separator,
        where=feature.where,
        contains=value,
    )
