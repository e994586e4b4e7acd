"""The values of a feature: its column, a joint value of several, or only those of some rows.

The joint value of a cross is text: of each column the number of UTF-8 bytes of its canonical text,
a colon, the text and a comma, so that `1` and `23` give `1:1,2:23,` and no other values do. A
missing member is the empty text; where all of them are, the joint value is missing. The text of a
number is that of the number of its range: how many of the edges are not above it.

Reference:
    Bernstein, 1997, "Netstrings".
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical, infer_dtype, is_missing, numbers
from ctrmoe.data.lists import Values, as_lists, list_values
from ctrmoe.data.sources import Origin
from ctrmoe.schema import Feature, SchemaError


def raw_values(frame: pl.DataFrame, feature: Feature, where: Origin) -> pl.Series:
    """Returns the raw values of a feature in a chunk of raw rows.

    Args:
        frame: Holds the feature's columns.
        feature: What to read, by its `source`, `where`, `cross` and `contains`.
        where: Names the chunk in error messages.

    Raises:
        SchemaError: When a column of a cross or of a condition does not hold one category a row,
            or one that `contains` values no lists.
    """
    if feature.cross:
        values = _joint(frame, feature, where)
    elif feature.contains is not None:
        values = _presence(frame, feature, where)
    else:
        values = frame[feature.column]
    if feature.where is None:
        return values
    condition = feature.inputs[-1]
    holds = _texts(frame[condition.name], condition, feature, where) == str(feature.where.equals)
    return pl.select(pl.when(holds).then(values)).to_series()


def raw_type(types: Mapping[str, pl.DataType], feature: Feature) -> pl.DataType:
    """Returns the type of `raw_values` in a table with columns of these types."""
    is_text = feature.cross or feature.contains is not None
    return pl.String() if is_text else types[feature.column]


def canonical_values(frame: pl.DataFrame, feature: Feature, where: Origin) -> Values:
    """Returns the canonical values of a categorical in a chunk of raw rows.

    Raises:
        SchemaError: When a value can't be cast without loss, or a list stands where the schema has
            one value a row, or the other way round.
    """
    column = raw_values(frame, feature, where)
    if feature.is_list:
        return list_values(as_lists(column, feature, where), feature, where)
    if isinstance(column.dtype, pl.List | pl.Array):
        raise SchemaError(
            f"Feature `{feature.name}` must hold one value a row. Received: a column of lists in "
            f"{where.name}. Give it `max_length`, the number of values kept."
        )
    return Values(canonical(column, feature.dtype, where))


def members(joint: str) -> list[str]:
    """Returns the texts that a joint value is made of."""
    rest, texts = joint.encode(), []
    while rest:
        size, rest = rest.split(b":", 1)
        texts.append(rest[: int(size)].decode())
        rest = rest[int(size) + 1 :]
    return texts


def _joint(frame: pl.DataFrame, feature: Feature, where: Origin) -> pl.Series:
    columns = feature.inputs[: len(feature.cross)]
    texts = [
        _ranges(frame[column.name], feature.cuts[column.name])
        if column.kind == "numeric"
        else _texts(frame[column.name], column, feature, where)
        for column in columns
    ]
    table = pl.DataFrame({str(place): text for place, text in enumerate(texts)})
    parts = [pl.format("{}:{},", pl.col(c).str.len_bytes(), pl.col(c)) for c in table.columns]
    present = pl.any_horizontal(pl.col(c) != "" for c in table.columns)
    joint = pl.when(present).then(pl.concat_str(parts)).alias(feature.name)
    return table.select(joint).to_series()


def _presence(frame: pl.DataFrame, feature: Feature, where: Origin) -> pl.Series:
    column = feature.inputs[0]
    found = list_values(as_lists(frame[column.name], feature, where), column, where)
    assert found.lengths is not None
    rows = np.repeat(np.arange(len(frame)), found.lengths)
    has = np.zeros(len(frame), bool)
    has[rows[(found.values == feature.contains).to_numpy()]] = True
    return pl.Series(has).cast(pl.Int8).cast(pl.String)


def _ranges(values: pl.Series, edges: tuple[float, ...]) -> pl.Series:
    found = numbers(values)
    places = np.searchsorted(np.asarray(edges, np.float32), found, side="right")
    return pl.Series(places).cast(pl.String).set(pl.Series(np.isnan(found)), "")


def _texts(values: pl.Series, column: Feature, feature: Feature, where: Origin) -> pl.Series:
    """The canonical values as text, "" for a missing one."""
    if isinstance(values.dtype, pl.List | pl.Array):
        raise SchemaError(
            f"Feature `{feature.name}`: `cross` and `where` must name columns of one value a row. "
            f"Received: `{column.name}`, a column of lists in {where.name}."
        )
    dtype = column.dtype or infer_dtype(column.name, values.dtype, where.name) or "string"
    found = canonical(values, dtype, where)
    return found.cast(pl.String).set(is_missing(found), "")
