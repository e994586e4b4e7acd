"""The values of lists, and their ids padded to one length."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical, filled, is_missing
from ctrmoe.data.sources import Origin
from ctrmoe.schema import MISSING, Feature, SchemaError


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """The values of a categorical in a chunk of rows.

    Args:
        values: Canonical values, or codes that stand for them; of lists, one after the other and
            without the missing ones.
        lengths: Values of each row, for lists; None where each row has one.
    """

    values: pl.Series
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values if self.lengths is None else self.lengths)

    def of_rows(self, rows: np.ndarray | None) -> pl.Series:
        """Returns the values of the rows that a mask picks, of all rows where it is None."""
        if rows is None:
            return self.values
        picked = rows if self.lengths is None else np.repeat(rows, self.lengths)
        return self.values.filter(pl.Series(picked, dtype=pl.Boolean))

    def trimmed(self, feature: Feature) -> Values:
        """Leaves at most `max_length` values a row: the last of a sequence, else the first."""
        if self.lengths is None or self.lengths.max(initial=0) <= feature.max_length:
            return self
        places = place_in_list(self.lengths)
        if feature.kind == "sequence":
            surplus = np.maximum(self.lengths - feature.max_length, 0)
            places -= np.repeat(surplus, self.lengths)
        kept = (places >= 0) & (places < feature.max_length)
        return Values(self.values.filter(kept), np.minimum(self.lengths, feature.max_length))


def padded(ids: np.ndarray, lengths: np.ndarray, feature: Feature) -> np.ndarray:
    """Returns the ids of trimmed lists as `[rows, max_length]` int32, at the left."""
    result = np.zeros((len(lengths), feature.max_length), np.int32)
    # The cells in their order, row by row, are the values in theirs.
    result[np.arange(feature.max_length) < lengths[:, None]] = ids
    if feature.kind != "sequence":
        result[lengths == 0, 0] = MISSING
    return result


def list_values(lists: pl.Series, feature: Feature, where: Origin) -> Values:
    """Returns the canonical values of a list column, missing ones left out."""
    lengths = filled(lists.list.len(), 0).to_numpy().astype(np.int64)
    values = lists.explode(empty_as_null=False, keep_nulls=False)
    rows = np.repeat(np.arange(len(lists)), lengths)
    values = canonical(values, feature.dtype, where.at(rows))
    missing = is_missing(values)
    if not missing.any():
        return Values(values, lengths)
    present = (~missing).to_numpy()
    return Values(values.filter(present), np.bincount(rows[present], minlength=len(lists)))


def place_in_list(lengths: np.ndarray) -> np.ndarray:
    """Returns the place of each value in its list."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def as_lists(values: pl.Series, feature: Feature, where: Origin) -> pl.Series:
    """Returns a list column, text split where the feature has a `separator`.

    Raises:
        SchemaError: When the column holds no lists, or lists of lists, and how to mend it.
    """
    dtype = values.dtype
    if isinstance(dtype, pl.List | pl.Array) and not dtype.inner.is_nested():
        return values if isinstance(dtype, pl.List) else values.arr.to_list()
    if dtype == pl.Null:
        return values.cast(pl.List(pl.String))
    if feature.separator and not dtype.is_nested():
        return values.cast(pl.String).str.split(feature.separator)
    mends = ["flatten each row to one list"] if dtype.is_nested() else ["make a list of each row"]
    if dtype == pl.String:
        mends.append("give the feature the `separator` between its values")
    if feature.kind != "sequence" and feature.is_list and not dtype.is_nested():
        mends.append("give it no `max_length`")
    mend = ", or ".join(mends)
    raise SchemaError(
        f"Feature `{feature.name}` must be a column of lists. Received: {dtype} in {where.name}. "
        f"{mend[0].upper()}{mend[1:]}."
    )
