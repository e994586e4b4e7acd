"""Raw values of domains and groups, whatever table they come from."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl


def as_series(values: Any, name: str) -> pl.Series:
    """Returns one-dimensional raw values as a series in which missing is null, never NaN."""
    try:
        series = _series(values)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise TypeError(
            f"`{name}` must be one-dimensional and of plain values. Received: "
            f"{type(values).__name__}, {error}."
        ) from None
    return series.fill_nan(None) if series.dtype.is_float() else series


def as_categories(values: Any, name: str) -> pl.Series:
    """Returns raw values by their text, four bytes a row, each distinct text kept once.

    A whole float is written as the integer it stands for: that is how pandas holds a column of
    integers with missing values.
    """
    series = as_series(values, name)
    whole = series.dtype.is_float()
    try:
        text = series.cast(pl.String)
    except pl.exceptions.PolarsError as error:
        raise TypeError(
            f"`{name}` must be values with a text. Received: {series.dtype} values, {error}."
        ) from None
    return (text.str.strip_suffix(".0") if whole else text).cast(pl.Categorical)


def _series(values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return pl.Series(values)
    array = np.asarray(values, dtype=object) if isinstance(values, list | tuple) else values
    array = np.asarray(array)
    if array.ndim != 1:
        raise ValueError(f"shape={array.shape}")
    if array.dtype == object:
        return pl.Series(array.tolist(), strict=False)
    return pl.Series(array)
