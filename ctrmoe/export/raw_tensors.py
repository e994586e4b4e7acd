"""Raw tables as the tensors and examples that a served model takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl
import tensorflow as tf

from ctrmoe.export.served import missing_value, raw_dtype
from ctrmoe.schema import Schema


@dataclass(frozen=True, slots=True)
class _Input:
    """A raw input: its dtype, what stands for a missing value, whether a row holds several.

    Where values have weights, a missing one keeps its place beside its weight.
    """

    name: str
    dtype: tf.DType
    missing: Any
    is_list: bool
    keeps_missing: bool


def raw_tensors(frame: pl.DataFrame, schema: Schema) -> dict[str, tf.Tensor]:
    """Returns one tensor for each raw input, missing values as the signature spells them."""
    return {of.name: _tensor(frame[of.name], of) for of in _inputs(schema)}


def serialize_examples(frame: pl.DataFrame, schema: Schema) -> list[bytes]:
    """Returns each row as a serialized `tf.Example`; missing values are left out."""
    columns = {of: _rows(frame[of.name], of) for of in _inputs(schema)}
    return [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    of.name: _example_feature(rows[index], of)
                    for of, rows in columns.items()
                    if rows[index]
                }
            )
        ).SerializeToString()
        for index in range(frame.height)
    ]


def _inputs(schema: Schema) -> list[_Input]:
    features = [
        _Input(
            feature.name,
            raw_dtype(feature),
            missing_value(feature),
            feature.is_list and not feature.separator,
            bool(feature.weights),
        )
        for feature in schema.features
    ]
    return features + [
        _Input(feature.weights, tf.float32, float("nan"), True, True) for feature in schema.weighted
    ]


def _rows(column: pl.Series, of: _Input) -> list[list[Any]]:
    """The values of each row, missing ones left out or as the signature spells them."""
    rows = column.to_list()
    if not of.is_list:
        rows = [[value] for value in rows]
    if of.keeps_missing:
        return [[of.missing if v is None else _plain(v, of) for v in row or []] for row in rows]
    return [[_plain(value, of) for value in row or [] if value is not None] for row in rows]


def _plain(value: Any, of: _Input) -> Any:
    if of.dtype == tf.string:
        return str(value).encode() if not isinstance(value, bytes) else value
    return int(value) if of.dtype == tf.int64 else float(value)


def _tensor(column: pl.Series, of: _Input) -> tf.Tensor:
    rows = _rows(column, of)
    width = max((len(row) for row in rows), default=1) or 1
    padded = [row + [of.missing] * (width - len(row)) for row in rows]
    return tf.constant(padded, of.dtype, shape=(len(rows), width))


def _example_feature(values: list[Any], of: _Input) -> tf.train.Feature:
    if of.dtype == tf.string:
        encoded = [value.encode() if isinstance(value, str) else value for value in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
    if of.dtype == tf.int64:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
