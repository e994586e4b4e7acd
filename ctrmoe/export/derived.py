"""The raw values of a feature in TensorFlow: the same as `ctrmoe.data.derived`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from ctrmoe.export.served import is_missing, missing_value
from ctrmoe.schema import Feature


def derived(raw: Mapping[str, tf.Tensor], feature: Feature) -> tf.Tensor:
    """Returns what `raw_values` returns, of served columns by their names."""
    if feature.cross:
        values = _joint(raw, feature)
    elif feature.contains is not None:
        values = _presence(raw[feature.column], feature)
    else:
        values = raw[feature.column]
    if feature.where is None:
        return values
    holds = _text(raw[feature.where.column]) == str(feature.where.equals)
    return tf.where(holds, values, missing_value(feature))


def _joint(raw: Mapping[str, tf.Tensor], feature: Feature) -> tf.Tensor:
    cuts = feature.cuts
    texts = [_range(raw[n], cuts[n]) if n in cuts else _text(raw[n]) for n in feature.cross]
    parts = [part for text in texts for part in (_size(text), ":", text, ",")]
    missing = tf.reduce_all([text == "" for text in texts], axis=0)
    return tf.where(missing, "", tf.strings.join(parts))


def _presence(raw: tf.Tensor, feature: Feature) -> tf.Tensor:
    if feature.separator:
        raw = tf.strings.split(raw[:, 0], feature.separator).to_tensor(default_value="")
    has = tf.reduce_any(raw == feature.contains, axis=1, keepdims=True)
    return tf.where(has, "1", "0")


def _range(raw: tf.Tensor, edges: tuple[float, ...]) -> tf.Tensor:
    # As `data.columns.numbers` does.
    flushed = tf.where(tf.abs(raw) < np.finfo(np.float32).tiny, 0.0, raw)
    flat = tf.reshape(flushed, (-1,))
    places = tf.searchsorted(tf.constant(edges, raw.dtype), flat, side="right")
    texts = tf.strings.as_string(tf.reshape(places, tf.shape(raw)))
    return tf.where(tf.math.is_finite(raw), texts, "")


def _size(text: tf.Tensor) -> tf.Tensor:
    return tf.strings.as_string(tf.strings.length(text))


def _text(raw: tf.Tensor) -> tf.Tensor:
    if raw.dtype == tf.string:
        return raw
    return tf.where(is_missing(raw), "", tf.strings.as_string(raw))
