"""List features: columns of lists, or of text with a separator, to padded ids."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical, is_missing
from ctrmoe.data.sources import Origin
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.schema import MISSING, Feature, SchemaError


def flat(frame: pl.DataFrame, feature: Feature) -> tuple[pl.Series, np.ndarray | None]:
    """Returns the values of a categorical, those of lists one after the other.

    Returns:
        The values, and the row of each; None where there is one a row.
    """
    if feature.is_list:
        return elements(frame, feature)
    values = frame[feature.name]
    if isinstance(values.dtype, pl.List | pl.Array):
        raise SchemaError(
            f"Feature `{feature.name}` must hold one value a row. Received: a column of lists. "
            "Give it `max_length`, the number of values kept."
        )
    return values, None


def elements(frame: pl.DataFrame, feature: Feature) -> tuple[pl.Series, np.ndarray]:
    """Returns the elements of a list feature one after the other, and the row of each."""
    lists = _as_lists(frame[feature.name], feature)
    lengths = lists.list.len().fill_null(0).to_numpy()
    # polars would give an empty list a null of its own.
    values = lists.filter(pl.Series(lengths > 0)).explode()
    return values, np.repeat(np.arange(len(frame)), lengths)


def list_ids(
    frame: pl.DataFrame, feature: Feature, vocabulary: Vocabulary, where: Origin
) -> np.ndarray:
    """Returns the ids of a list feature, `[rows, max_length]` int32."""
    values, rows = elements(frame, feature)
    values = canonical(values, feature.dtype, where.at(rows))
    present = (~is_missing(values)).to_numpy()
    if not present.all():
        values, rows = values.filter(present), rows[present]
    lengths = np.bincount(rows, minlength=len(frame))
    places = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    if feature.kind == "sequence":
        places -= np.repeat(np.maximum(lengths - feature.max_length, 0), lengths)
    kept = (places >= 0) & (places < feature.max_length)
    result = np.zeros((len(frame), feature.max_length), np.int32)
    result[rows[kept], places[kept]] = vocabulary.ids(values.filter(kept))
    if feature.kind != "sequence":
        result[lengths == 0, 0] = MISSING
    return result


def _as_lists(values: pl.Series, feature: Feature) -> pl.Series:
    """Returns a list column, text split where the feature has a `separator`."""
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
