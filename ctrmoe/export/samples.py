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


def sample_rows(encoder: Encoder, count: int, seed: int = 0, *, full: bool = False) -> pl.DataFrame:
    """Draws raw rows of an encoder's features.

    Args:
        encoder: Its vocabularies give the known values.
        count: Number of rows.
        seed: Of the draw.
        full: Whether the rows are such as a server meets: lists as long as the model reads them,
            every domain in turn, neither huge texts nor infinities.

    Returns:
        A frame with the columns of all features and of the domain.
    """
    random = np.random.default_rng(seed)
    features = served_schema(encoder, bool(encoder.schema.domain)).features
    columns = [_column(encoder, feature, count, random, full) for feature in features]
    frame = pl.DataFrame(columns)
    if full and encoder.schema.domain:
        frame = frame.with_columns(_domains(encoder, frame[encoder.schema.domain]))
    weights = [_weights(frame[f.name], f.weights, random) for f in encoder.schema.weighted]
    return frame.with_columns(weights)


def _column(
    encoder: Encoder, feature: Feature, count: int, random: np.random.Generator, full: bool
) -> pl.Series:
    values, dtype = _values(encoder, feature)
    if full:
        values = [value for value in values if _is_ordinary(value, feature)]

    def draw() -> Any:
        return values[random.integers(len(values))]

    if not feature.is_list:
        return pl.Series(feature.name, [draw() for _ in range(count)], dtype=dtype)
    # Some lists are empty, some longer than the model reads.
    longest = feature.max_length
    lengths = [longest] * count if full else random.integers(longest + 3, size=count)
    lists = [[draw() for _ in range(length)] for length in lengths]
    if feature.separator:
        texts = [feature.separator.join(str(v) for v in row if v is not None) for row in lists]
        return pl.Series(feature.name, texts, dtype=pl.String)
    return pl.Series(feature.name, lists, dtype=pl.List(dtype))


def _is_ordinary(value: Any, feature: Feature) -> bool:
    if value is None:
        return not feature.is_list  # a missing element of a list is dropped
    return len(value) < 100 if isinstance(value, str) else bool(np.isfinite(value))


def _domains(encoder: Encoder, column: pl.Series) -> pl.Series:
    """Each domain once, a missing and an unknown one, and again."""
    unknown = "never seen" if column.dtype == pl.String else "-1"
    found = pl.Series([*encoder.vocabularies[DOMAIN].values, None, unknown], dtype=pl.String)
    turns = found.cast(column.dtype).gather(pl.int_range(len(column), eager=True) % len(found))
    return turns.alias(column.name)


def _weights(lists: pl.Series, name: str, random: np.random.Generator) -> pl.Series:
    """A weight for each value; some rows have none, some values have null."""
    pool = [None, 0.0, 0.5, 1.0, 3.0]
    rows = [[pool[i] for i in random.integers(len(pool), size=len(row))] for row in lists]
    given = [None if random.random() < 0.2 else row for row in rows]
    return pl.Series(name, given, dtype=pl.List(pl.Float32))


def _values(encoder: Encoder, feature: Feature) -> tuple[list[Any], pl.DataType]:
    is_domain = feature.name == encoder.schema.domain
    if feature.kind == "numeric" and not is_domain:
        return [None, *ODD_NUMBERS, *_edges(encoder, feature.name)], pl.Float32()
    known = pl.Series(_known(encoder, feature.name), dtype=pl.String)
    if feature.kind == "numeric":  # a domain is a whole number or text
        return [None, *known.cast(pl.Float32)], pl.Float32()
    if feature.dtype == "integer":
        numbers = known.cast(pl.Int64, strict=False).drop_nulls()
        return [None, *numbers, *ODD_INTEGERS], pl.Int64()
    return [None, *known, *ODD_TEXTS], pl.String()


def _edges(encoder: Encoder, column: str) -> list[float]:
    """Numbers on the edges of crosses, and just below them."""
    cuts = [feature.cuts.get(column, ()) for feature in encoder.schema.features]
    edges = np.array([edge for cut in cuts for edge in cut[:KNOWN]], np.float32)
    below = np.nextafter(edges, np.float32(-np.inf))
    return [*map(float, edges), *map(float, below)]


def _known(encoder: Encoder, column: str) -> list[str]:
    """Values of a raw column that a vocabulary or a condition knows, as text."""
    schema, found = encoder.schema, []
    if column == schema.domain:
        found += encoder.vocabularies[DOMAIN].values[:KNOWN].to_list()
    for feature in schema.features:
        if feature.where and feature.where.column == column:
            found.append(str(feature.where.equals))
        if feature.contains is not None and feature.column == column:
            found.append(str(feature.contains))
            continue
        if feature.kind == "numeric" or column not in (feature.cross or (feature.column,)):
            continue
        if column in feature.cuts:
            continue  # its texts are numbers of ranges
        values = encoder.vocabularies[feature.table].values[:KNOWN].to_list()
        if feature.cross:
            values = [members(value)[feature.cross.index(column)] for value in values]
        found += filter(None, values)
    return list(dict.fromkeys(found))
