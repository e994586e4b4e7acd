"""How raw values are served: the dtype of a column and what stands for a missing value."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ctrmoe.data.columns import INT64_MIN
from ctrmoe.schema import Feature


def raw_dtype(feature: Feature) -> tf.DType:
    """The dtype of a feature in the served signature."""
    if feature.kind == "numeric":
        return tf.float32
    return tf.int64 if feature.dtype == "integer" and not feature.separator else tf.string


def missing_value(feature: Feature) -> Any:
    """What stands for a missing value in the served signature."""
    dtype = raw_dtype(feature)
    return {tf.float32: float("nan"), tf.int64: INT64_MIN, tf.string: ""}[dtype]


def is_missing(raw: tf.Tensor) -> tf.Tensor:
    """Returns which served categories are missing."""
    return raw == ("" if raw.dtype == tf.string else INT64_MIN)
