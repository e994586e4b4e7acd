"""Raw rows that try a model: known, unknown, missing and odd values of every feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.derived import members
from ctrmoe.data.encode import Encoder
from ctrmoe.data.packed import DOMAIN
from ctrmoe.export.raw_graph import served_schema
from ctrmoe.schema import Feature

ODD_TEXTS = ("", "never seen", "ünïcode ✓ 点击", "x" * 10_000, " ", "0", "-0.0", "NaN", "null")
ODD_INTEGERS = (0, -1, 2**63 - 1, -(2**63) + 1, 2**31)
ODD_NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e30, -1e30, float("inf"), float("-inf"), float("nan"), 1e-30)
KNOWN = 50  # values of a vocabulary that are drawn from


def sample_rows(encoder: Encoder, count: int, seed: int = 0) -> pl.DataFrame:
    """Draws raw rows of an encoder's features.

    Args:
        encoder: Its vocabularies give the known values.
        count: Number of rows.
        seed: Of the draw.

    Returns:
        A frame with the columns of all features and of the domain.
    """
    random = np.random.default_rng(seed)
    features = served_schema(encoder, bool(encoder.schema.domain)).features
    columns = [_column(encoder, feature, count, random) for feature in features]
    frame = pl.DataFrame(columns)
    weights = [_weights(frame[f.name], f.weights, random) for f in encoder.schema.weighted]
    return frame.with_columns(weights)


def _column(
    encoder: Encoder, feature: Feature, count: int, random: np.random.Generator
) -> pl.Series:
    values, dtype = _values(encoder, feature)

    def draw() -> Any:
        return values[random.integers(len(values))]

    if not feature.is_list:
        return pl.Series(feature.name, [draw() for _ in range(count)], dtype=dtype)
    # Some lists are empty, some longer than the model reads.
    lists = [[draw() for _ in range(random.integers(feature.max_length + 3))] for _ in range(count)]
    if feature.separator:
        texts = [feature.separator.join(str(v) for v in row if v is not None) for row in lists]
        return pl.Series(feature.name, texts, dtype=pl.String)
    return pl.Series(feature.name, lists, dtype=pl.List(dtype))


def _weights(lists: pl.Series, name: str, random: np.random.Generator) -> pl.Series:
    """A weight for each value; some rows have none, some values have null."""
    pool = [None, 0.0, 0.5, 1.0, 3.0]
    rows = [[pool[i] for i in random.integers(len(pool), size=len(row))] for row in lists]
    given = [None if random.random() < 0.2 else row for row in rows]
    return pl.Series(name, given, dtype=pl.List(pl.Float32))


def _values(encoder: Encoder, feature: Feature) -> tuple[list[Any], pl.DataType]:
    is_domain = feature.name == encoder.schema.domain
    if feature.kind == "numeric" and not is_domain:
        return [None, *ODD_NUMBERS], pl.Float32()
    known = pl.Series(_known(encoder, feature.name), dtype=pl.String)
    if feature.kind == "numeric":  # a domain is a whole number or text
        return [None, *known.cast(pl.Float32)], pl.Float32()
    if feature.dtype == "integer":
        numbers = known.cast(pl.Int64, strict=False).drop_nulls()
        return [None, *numbers, *ODD_INTEGERS], pl.Int64()
    return [None, *known, *ODD_TEXTS], pl.String()


def _known(encoder: Encoder, column: str) -> list[str]:
    """Values of a raw column that a vocabulary or a condition knows, as text."""
    schema, found = encoder.schema, []
    if column == schema.domain:
        found += encoder.vocabularies[DOMAIN].values[:KNOWN].to_list()
    for feature in schema.features:
        if feature.where and feature.where.column == column:
            found.append(str(feature.where.equals))
        if feature.kind == "numeric" or column not in (feature.cross or (feature.column,)):
            continue
        values = encoder.vocabularies[feature.table].values[:KNOWN].to_list()
        if feature.cross:
            values = [members(value)[feature.cross.index(column)] for value in values]
        found += filter(None, values)
    return list(dict.fromkeys(found))
