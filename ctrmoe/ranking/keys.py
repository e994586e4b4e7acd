"""The values of a feature as whole numbers that keep their order where they have one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from ctrmoe.data.columns import infer_dtype, is_missing, numbers
from ctrmoe.data.derived import canonical_values, members, raw_type, raw_values
from ctrmoe.data.lists import Values
from ctrmoe.data.sources import Origin
from ctrmoe.schema import Feature

KEY_BITS = 60
MISSING_KEY = -(1 << KEY_BITS)
"""Below every other key."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a feature in a chunk of rows.

    A key stands for a value. That of a whole number is the number itself, that of a `numeric` the
    bits of its float32 as a signed number, which have the same order; that of a text is a hash of
    60 bits, the same in every process with one version of polars: two of a million texts share one
    with a probability of 4e-7.

    Args:
        values: int64; of lists each value of a row once, one row after the other.
        rows: The chunk's row of each key, for lists; None where each row has one.
    """

    values: np.ndarray
    rows: np.ndarray | None = None

    def of_rows(self, chosen: np.ndarray) -> Keys:
        """Returns the keys of the rows that a mask chooses; they are numbered anew."""
        if self.rows is None:
            return Keys(self.values[chosen])
        kept = chosen[self.rows]
        return Keys(self.values[kept], (np.cumsum(chosen) - 1)[self.rows[kept]])

    def at(self, rows: np.ndarray, length: int) -> Keys:
        """Returns the keys of rows that are given by their ascending numbers, of `length` rows."""
        if self.rows is None:
            return Keys(self.values[rows])
        chosen = np.zeros(length, bool)
        chosen[rows] = True
        return self.of_rows(chosen)


def mixed(values: np.ndarray) -> np.ndarray:
    """Returns 64 evenly spread bits of each whole number.

    Reference:
        Steele, Lea, Flood, 2014, "Fast splittable pseudorandom number generators": the finalizer
        of SplitMix64, a bijection.
    """
    bits = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def feature_keys(frame: pl.DataFrame, feature: Feature, where: Origin) -> Keys:
    """Returns the keys of a feature in a chunk of raw rows, `MISSING_KEY` for a missing value.

    A list gives each of its values once (of the `max_length` that a model would read), and a row
    without any gives `MISSING_KEY`.

    Raises:
        SchemaError: When the column does not hold what the schema says.
    """
    if feature.kind == "numeric":
        return Keys(number_keys(numbers(raw_values(frame, feature, where))))
    found = _categories(frame, feature, where)
    keys = _category_keys(found.values)
    if found.lengths is None:
        return Keys(keys)
    rows = np.repeat(np.arange(len(found.lengths)), found.lengths)
    empty = np.flatnonzero(found.lengths == 0)
    return _distinct_in_row(
        np.concatenate([keys, np.full(len(empty), MISSING_KEY)]), np.concatenate([rows, empty])
    )


def value_texts(
    frame: pl.DataFrame, feature: Feature, where: Origin
) -> tuple[np.ndarray, list[str]]:
    """Returns the keys of a category's values in a chunk of raw rows, each once, and their texts.

    The most frequent comes first; ties go by text. Of a cross, `×` stands between its members.
    """
    values = _categories(frame, feature, where).values
    counted = values.filter(~is_missing(values)).alias("value").to_frame()
    counted = counted.group_by("value").len().sort("len", "value", descending=[True, False])
    texts = counted["value"].cast(pl.String).to_list()
    if feature.cross:
        texts = [" × ".join(_member_texts(feature, text)) for text in texts]
    return _category_keys(counted["value"]), texts


def _member_texts(feature: Feature, joint: str) -> Iterator[str]:
    for name, text in zip(feature.cross, members(joint), strict=True):
        edges = feature.cuts.get(name)
        if edges and text:
            place = int(text)
            text = f"from {edges[place - 1]:g}" if place else f"below {edges[0]:g}"
        yield text


def number_of(keys: np.ndarray, shift: int = 0) -> np.ndarray:
    """Returns the numbers that keys of a `numeric` stand for.

    Args:
        keys: Keys, or keys without their lowest bits.
        shift: Bits that were cut off; the middle of what they could have been is returned.
    """
    whole = (keys << shift) + ((1 << shift) >> 1)
    bits = np.abs(whole).astype(np.int32)  # the sign is no bit of its own in a key
    sizes = bits.view(np.float32).astype(np.float64)
    result: np.ndarray = np.where(whole < 0, -sizes, sizes)
    return result


def _categories(frame: pl.DataFrame, feature: Feature, where: Origin) -> Values:
    if not feature.dtype:
        dtype = infer_dtype(feature.name, raw_type(frame.schema, feature), where.name)
        feature = _with_dtype(feature, dtype or "integer")
    return canonical_values(frame, feature, where).trimmed(feature)


def _with_dtype(feature: Feature, dtype: str) -> Feature:
    return Feature(
        **{name: getattr(feature, name) for name in feature.__slots__} | {"dtype": dtype}
    )


def number_keys(values: np.ndarray) -> np.ndarray:
    """Returns the keys of float32 numbers; NaN is missing."""
    bits = values.view(np.int32).astype(np.int64)
    # The sign bit of a float does not reverse the order of the others, as it does here.
    keys = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    keys[np.isnan(values)] = MISSING_KEY
    return keys


def _category_keys(values: pl.Series) -> np.ndarray:
    missing = is_missing(values)
    if values.dtype == pl.String:
        keys = (values.hash().to_numpy() >> np.uint64(64 - KEY_BITS)).astype(np.int64)
    else:
        keys = values.fill_null(0).to_numpy(writable=True)
        _hash_large(keys)
    if missing.any():
        keys[missing.to_numpy()] = MISSING_KEY
    return keys


def _hash_large(keys: np.ndarray) -> None:
    """Puts a hash in the place of numbers that leave no room for the label's bits."""
    limit = 1 << KEY_BITS
    if len(keys) and (keys.min() <= -limit or keys.max() >= limit):
        large = (keys <= -limit) | (keys >= limit)
        keys[large] = (mixed(keys[large]) >> np.uint64(64 - KEY_BITS)).astype(np.int64)


def _distinct_in_row(keys: np.ndarray, rows: np.ndarray) -> Keys:
    frame = pl.DataFrame({"row": rows, "key": keys}).unique().sort("row", "key")
    return Keys(frame["key"].to_numpy(), frame["row"].to_numpy())
