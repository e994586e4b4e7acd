"""Weights of the values of a multi-valued feature, side by side with its padded ids."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical, is_missing
from ctrmoe.data.lists import as_lists, place_in_list
from ctrmoe.data.sources import Origin
from ctrmoe.schema import Feature, SchemaError


def padded_weights(frame: pl.DataFrame, feature: Feature, where: Origin) -> np.ndarray:
    """Returns the weights `[rows, max_length]` float32 of the ids that `lists.padded` returns.

    A row without a list of weights has ones, and so has a weight that is null or NaN. Where there
    is no id the weight is 0; that of the id "missing" of a row without values is 1.

    Args:
        frame: Raw rows.
        feature: Its `weights` names the column of weights.
        where: Names the chunk in error messages.

    Raises:
        SchemaError: If a row has another number of weights than of values, or a weight is
            negative or infinite.
    """
    values = as_lists(frame[feature.column], feature, where)
    lengths = values.list.len().fill_null(0).to_numpy()
    weights = _weights(frame[feature.weights], lengths, feature, where)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    flat = values.filter(pl.Series(lengths > 0, dtype=pl.Boolean)).explode()
    present = (~is_missing(canonical(flat, feature.dtype, where.at(rows)))).to_numpy()
    rows, weights = rows[present], weights[present]
    lengths = np.bincount(rows, minlength=len(lengths))
    column = place_in_list(lengths)
    kept = column < feature.max_length
    result = np.zeros((len(lengths), feature.max_length), np.float32)
    result[rows[kept], column[kept]] = weights[kept]
    result[lengths == 0, 0] = 1
    return result


def _weights(column: pl.Series, lengths: np.ndarray, feature: Feature, where: Origin) -> np.ndarray:
    """One weight for each value."""
    if isinstance(column.dtype, pl.Array):
        column = column.arr.to_list()
    if column.dtype == pl.Null:
        column = column.cast(pl.List(pl.Float32))
    if not isinstance(column.dtype, pl.List) or not (
        column.dtype.inner.is_numeric() or column.dtype.inner == pl.Null
    ):
        raise SchemaError(
            f"`{feature.weights}`, the weights of feature `{feature.name}`, must be a column of "
            f"lists of numbers. Received: {column.dtype} in {where.name}."
        )
    given = column.is_not_null().to_numpy()
    counts = column.list.len().fill_null(0).to_numpy()
    wrong = given & (counts != lengths)
    if wrong.any():
        row = int(wrong.argmax())
        raise SchemaError(
            f"`{feature.weights}` must have a weight for each value of feature `{feature.name}`. "
            f"Received: {counts[row]} weights for {lengths[row]} values in {where.row(row)}. Give "
            "as many, or null for weights of 1."
        )
    result = np.ones(int(lengths.sum()), np.float32)
    numbers = column.filter(pl.Series(counts > 0, dtype=pl.Boolean)).explode()
    found = numbers.cast(pl.Float32).fill_null(1.0).fill_nan(1.0).to_numpy()
    owners = np.repeat(np.arange(len(counts)), counts)
    bad = ~np.isfinite(found) | (found < 0)
    if bad.any():
        index = int(bad.argmax())
        raise SchemaError(
            f"`{feature.weights}` must hold finite numbers, none negative. Received: "
            f"{found[index]} in {where.row(int(owners[index]))}."
        )
    result[np.repeat(given, lengths)] = found
    return result
