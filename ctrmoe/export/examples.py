"""Serialized `tf.Example` records as raw features."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from ctrmoe.export.served import missing_value, raw_dtype
from ctrmoe.schema import Schema


def parse_examples(examples: tf.Tensor, schema: Schema) -> dict[str, tf.Tensor]:
    """Reads serialized examples; a missing feature is a missing value, others are ignored."""
    specs: dict[str, Any] = {}
    for feature in schema.features:
        dtype, missing = raw_dtype(feature), missing_value(feature)
        if feature.is_list and not feature.separator:
            specs[feature.name] = tf.io.RaggedFeature(dtype)
        else:
            specs[feature.name] = tf.io.FixedLenFeature((1,), dtype, default_value=[missing])
    absent = {feature.name: missing_value(feature) for feature in schema.features}
    for feature in schema.weighted:
        specs[feature.weights] = tf.io.RaggedFeature(tf.float32)
        absent[feature.weights] = float("nan")
    return {
        name: column.to_tensor(default_value=absent[name])
        if isinstance(column, tf.RaggedTensor)
        else column
        for name, column in tf.io.parse_example(examples, specs).items()
    }
