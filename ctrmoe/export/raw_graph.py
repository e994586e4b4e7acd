"""The encoding of raw rows as a TensorFlow graph: the same ids as `ctrmoe.data.encode`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from ctrmoe.data.columns import INT64_MIN
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoder_files import VOCABULARIES, vocabulary_path
from ctrmoe.data.fit import owners
from ctrmoe.data.numeric import LIMIT, NumericStatistics
from ctrmoe.data.packed import DOMAIN
from ctrmoe.export.derived import derived
from ctrmoe.export.raw_rows import RawRows
from ctrmoe.export.served import is_missing, raw_dtype
from ctrmoe.schema import MISSING, PADDING, UNKNOWN, Feature, Schema
from ctrmoe.transforms import FORMULAS


class RawGraph(tf.Module):
    """Turns raw features by name into the packed matrices that the model reads.

    A text, or an integer, is looked up in its vocabulary file, which the SavedModel carries as an
    asset. Served tensors have no nulls: the empty text, the smallest int64 and NaN are missing.

    Args:
        encoder: The fitted encoder.
        folder: The folder that holds its `vocabularies/`.
        reads_domain: Whether the model reads the domain.
    """

    def __init__(self, encoder: Encoder, folder: Path, reads_domain: bool = False) -> None:
        super().__init__()
        self._schema = encoder.schema
        self._statistics = encoder.statistics
        self._domain = _domain_feature(encoder) if reads_domain else None
        self.served = served_schema(encoder, reads_domain)
        self._tables = {
            table: _table(vocabulary_path(folder / VOCABULARIES, table), owner, table == DOMAIN)
            for table, owner in owners(encoder.schema, encoder.domain_dtype).items()
            if (reads_domain or table != DOMAIN)
            # TensorFlow refuses an empty file; of an empty vocabulary every value is unknown.
            and len(encoder.vocabularies[table].values)
        }

    @property
    def signature(self) -> dict[str, tf.TensorSpec]:
        """Shape and dtype of each raw input and of weights: `[B, 1]`, lists `[B, length]`."""
        features = {
            feature.name: tf.TensorSpec(
                (None, None if feature.is_list and not feature.separator else 1),
                raw_dtype(feature),
                name=feature.name,
            )
            for feature in self.served.features
        }
        weights = [feature.weights for feature in self._schema.weighted]
        return features | {
            name: tf.TensorSpec((None, None), tf.float32, name=name) for name in weights
        }

    def __call__(
        self, raw: Mapping[str, tf.Tensor], shared: Mapping[str, tf.Tensor] | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns `ids`, `sequences`, `values`, `weights` and `domain`, those that are read.

        Args:
            raw: Columns by name.
            shared: Columns of one row that belongs to every row of `raw`: what depends on them
                alone is computed once.
        """
        schema, rows = self._schema, RawRows(raw, shared or {})
        domain = [self._domain] if self._domain else []
        columns = {
            "ids": [rows.of_feature(f, self._single) for f in schema.single],
            "sequences": [rows.of_feature(f, self._list) for f in schema.lists],
            "values": [rows.of_feature(f, self._number) for f in schema.values],
            "weights": [rows.of_feature(f, _weights) for f in schema.weighted],
            "domain": [rows.of_feature(f, self._domain_id) for f in domain],
        }
        return {name: tf.concat(parts, axis=1) for name, parts in columns.items() if parts}

    def _single(self, feature: Feature, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
        raw = derived(columns, feature)
        if feature.kind == "numeric":
            return _bucket(self._statistics[feature.name], raw)
        return tf.where(is_missing(raw), MISSING, self._ids(feature, raw))

    def _domain_id(self, feature: Feature, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The id of the domain, whose column may be a feature of any kind besides."""
        raw = columns[feature.column]
        if raw.dtype == tf.float32:
            finite = tf.math.is_finite(raw)
            raw = tf.where(finite, tf.cast(tf.where(finite, raw, 0.0), tf.int64), INT64_MIN)
        text = raw if raw.dtype == tf.string else tf.strings.as_string(raw)
        missing, unknown = is_missing(raw), tf.fill(tf.shape(raw), UNKNOWN)
        if DOMAIN not in self._tables:
            return tf.where(missing, MISSING, unknown)
        line = tf.cast(self._tables[DOMAIN].lookup(text), tf.int32)
        return tf.where(missing, MISSING, tf.where(line >= 0, line + UNKNOWN + 1, unknown))

    def _list(self, feature: Feature, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
        raw = derived(columns, feature)
        if feature.separator:
            raw = tf.strings.split(raw[:, 0], feature.separator).to_tensor(default_value="")
        kept = tf.ragged.boolean_mask(raw, ~is_missing(raw))
        length = feature.max_length
        # A sequence runs from old to new and keeps its end.
        kept = kept[:, -length:] if feature.kind == "sequence" else kept[:, :length]
        ids = kept.with_flat_values(self._ids(feature, kept.flat_values))
        ids = ids.to_tensor(default_value=PADDING, shape=(None, length))
        if feature.kind == "sequence":
            return ids
        empty = tf.reduce_all(ids == PADDING, axis=1, keepdims=True)
        return tf.concat([tf.where(empty, MISSING, ids[:, :1]), ids[:, 1:]], axis=1)

    def _ids(self, feature: Feature, raw: tf.Tensor) -> tf.Tensor:
        """Ids of present values, `int32` in the shape of `raw`."""
        owner = self._schema.owner(feature)
        text = raw if raw.dtype == tf.string else tf.strings.as_string(raw)
        if owner.hash_buckets:
            return UNKNOWN + _bucket_of(text, owner.hash_buckets)
        unknown: Any = tf.fill(tf.shape(raw), UNKNOWN)
        if owner.oov_buckets > 1:
            unknown += _bucket_of(text, owner.oov_buckets)
        if owner.name not in self._tables:
            return unknown
        line = tf.cast(self._tables[owner.name].lookup(raw), tf.int32)
        return tf.where(line >= 0, line + UNKNOWN + owner.oov_buckets, unknown)

    def _number(self, feature: Feature, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _transformed(feature, self._statistics[feature.name], derived(columns, feature))


def _weights(feature: Feature, columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """`padded_weights`; a weight that is left out or NaN is 1, a negative one is served as 0."""
    values, raw = columns[feature.column], columns[feature.weights]
    width = tf.shape(values)[1]
    short = tf.maximum(width - tf.shape(raw)[1], 0)
    raw = tf.pad(raw[:, :width], [[0, 0], [0, short]], constant_values=float("nan"))
    raw = tf.where(tf.math.is_finite(raw), tf.maximum(raw, 0.0), 1.0)
    kept = tf.ragged.boolean_mask(raw, ~is_missing(values))[:, : feature.max_length]
    weights = kept.to_tensor(default_value=0.0, shape=(None, feature.max_length))
    first = tf.where(kept.row_lengths()[:, None] == 0, 1.0, weights[:, :1])
    return tf.concat([first, weights[:, 1:]], axis=1)


def served_schema(encoder: Encoder, reads_domain: bool) -> Schema:
    """Returns the schema of the raw rows that a model is served: a feature is a raw column."""
    schema = encoder.schema
    inputs = schema.inputs
    if reads_domain and all(column.name != schema.domain for column in inputs):
        inputs = (*inputs, _domain_feature(encoder))
    return schema.replace(features=inputs)


def _domain_feature(encoder: Encoder) -> Feature:
    return owners(encoder.schema, encoder.domain_dtype)[DOMAIN]


def _table(path: Path, feature: Feature, as_text: bool) -> tf.lookup.StaticHashTable:
    integer = feature.dtype == "integer" and not as_text
    lines = tf.lookup.TextFileInitializer(
        str(path),
        key_dtype=tf.int64 if integer else tf.string,
        # Whole lines can only be text; an integer's line has one tab-separated column.
        key_index=0 if integer else tf.lookup.TextFileIndex.WHOLE_LINE,
        value_dtype=tf.int64,
        value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    return tf.lookup.StaticHashTable(lines, default_value=-1)


def _bucket_of(text: tf.Tensor, buckets: int) -> tf.Tensor:
    return tf.cast(tf.strings.to_hash_bucket_fast(text, buckets), tf.int32)


def _transformed(feature: Feature, statistics: NumericStatistics, raw: tf.Tensor) -> tf.Tensor:
    """`NumericStatistics.transform` of a number that the model reads as one."""
    formula = FORMULAS[feature.transform]
    x = formula(tf.experimental.numpy, _clipped(statistics, raw), statistics, feature.truncate)
    present = tf.math.is_finite(raw) & tf.math.is_finite(x)
    result = tf.cast(tf.clip_by_value(x, -LIMIT, LIMIT), tf.float32)
    return tf.where(present, result, float("nan"))


def _bucket(statistics: NumericStatistics, raw: tf.Tensor) -> tf.Tensor:
    """`NumericStatistics.transform` of a number that the model reads as the id of a bucket."""
    edges = tf.constant(statistics.edges, tf.float64)
    flat = tf.reshape(_clipped(statistics, raw), (-1,))
    bucket = tf.searchsorted(edges, flat, side="right", out_type=tf.int32)
    ids = UNKNOWN + 1 + tf.reshape(bucket, tf.shape(raw))
    return tf.where(tf.math.is_finite(raw), ids, MISSING)


def _clipped(statistics: NumericStatistics, raw: tf.Tensor) -> tf.Tensor:
    finite = tf.where(tf.math.is_finite(raw), raw, 0.0)
    lower, upper = (tf.constant(x, tf.float64) for x in (statistics.lower, statistics.upper))
    return tf.clip_by_value(tf.cast(finite, tf.float64), lower, upper)
