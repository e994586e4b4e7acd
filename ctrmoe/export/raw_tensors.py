"""Raw tables as the tensors and examples that a served model takes."""

from __future__ import annotations

from typing import Any

import polars as pl
import tensorflow as tf

from ctrmoe.export.raw_graph import missing_value, raw_dtype
from ctrmoe.schema import Feature, Schema


def raw_tensors(frame: pl.DataFrame, schema: Schema) -> dict[str, tf.Tensor]:
    """Returns one tensor for each feature, missing values as the signature spells them."""
    return {feature.name: _tensor(frame[feature.name], feature) for feature in schema.features}


def serialize_examples(frame: pl.DataFrame, schema: Schema) -> list[bytes]:
    """Returns each row as a serialized `tf.Example`; missing values are left out."""
    columns = {feature: _rows(frame[feature.name], feature) for feature in schema.features}
    return [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    feature.name: _example_feature(rows[index], feature)
                    for feature, rows in columns.items()
                    if rows[index]
                }
            )
        ).SerializeToString()
        for index in range(frame.height)
    ]


def _is_list(feature: Feature) -> bool:
    return feature.is_list and not feature.separator


def _rows(column: pl.Series, feature: Feature) -> list[list[Any]]:
    """The present values of each row."""
    rows = column.to_list()
    if not _is_list(feature):
        rows = [[value] for value in rows]
    return [[_plain(value, feature) for value in row or [] if value is not None] for row in rows]


def _plain(value: Any, feature: Feature) -> Any:
    dtype = raw_dtype(feature)
    if dtype == tf.string:
        return str(value).encode() if not isinstance(value, bytes) else value
    return int(value) if dtype == tf.int64 else float(value)


def _tensor(column: pl.Series, feature: Feature) -> tf.Tensor:
    rows, missing = _rows(column, feature), missing_value(feature)
    width = max((len(row) for row in rows), default=1) or 1
    padded = [row + [missing] * (width - len(row)) for row in rows]
    return tf.constant(padded, raw_dtype(feature), shape=(len(rows), width))


def _example_feature(values: list[Any], feature: Feature) -> tf.train.Feature:
    dtype = raw_dtype(feature)
    if dtype == tf.string:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if dtype == tf.int64:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))
