"""Vocabularies that grow: new data over a trained run, whose rows of weights are kept by value."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.encode import Encoder
from ctrmoe.data.fit import owners, vocabulary_of
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.schema import UNKNOWN, Feature, SchemaError

MEND = "Prepare the data with the schema of the old run."
_RULES = (
    "kind", "dtype", "vocabulary", "transform", "hash_buckets", "oov_buckets", "source", "where",
    "cross", "cross_dtypes", "cross_edges",
)  # fmt: skip


def grown(prepared: Encoder, old: Encoder) -> Encoder:
    """Returns the encoder of newly prepared data, grown by the values that only the old run knows.

    They come at the end of the vocabularies, those of features and that of the domain, in their old
    order: data that is encoded already stays valid, and the rows of weights that were learned for
    them are kept. In such data they are still unknown. The statistics of numeric features are those
    of the prepared data.

    Args:
        prepared: Of the folder that `prepare` wrote.
        old: Of the run to go on from.

    Raises:
        SchemaError: If the features or the domain differ in what decides about ids: names and
            their order, kinds, types, transforms, shared vocabularies, numbers of buckets.
    """
    _check(prepared, old)
    vocabularies = {
        table: vocabulary_of(owner, _joined(prepared.vocabularies[table], old.vocabularies[table]))
        for table, owner in owners(prepared.schema, prepared.domain_dtype).items()
    }
    return Encoder(prepared.schema, vocabularies, prepared.statistics, prepared.domain_dtype)


def row_sources(new: Encoder, old: Encoder, name: str) -> np.ndarray:
    """Returns for every id of a feature the old id whose row of weights it starts from.

    A value starts from its own row; one that the old run did not know from the row that it had
    there as an unknown value: id 2, or its bucket where there are `oov_buckets`. Padding, missing,
    unknown and hashed ids start from themselves. So does each bucket of a `quantile` numeric,
    though its edges are those of the new data. A numeric that is read as a number has no ids.

    Args:
        new: What `grown` returned.
        old: Of the old run.
        name: The feature, or `domain:id`.

    Raises:
        SchemaError: If the encoders differ in what decides about ids.
    """
    _check(new, old)
    table = name if name == DOMAIN else new.schema[name].table
    if table not in new.vocabularies:
        return np.arange(new.vocabulary_size(table), dtype=np.int32)
    vocabulary = new.vocabularies[table]
    fixed = np.arange(vocabulary.first_value, dtype=np.int32)
    return np.concatenate([fixed, old.vocabularies[table].ids(vocabulary.values)])


def domain_sources(new: Encoder, old: Encoder) -> np.ndarray:
    """Returns for every domain index the old one whose row of weights it starts from.

    The index is 0 for no known domain, then 1, 2, … in the order of the ids: new domains start from
    index 0. See `row_sources`.
    """
    sources: np.ndarray = row_sources(new, old, DOMAIN)[UNKNOWN:] - UNKNOWN
    return sources


def _joined(vocabulary: Vocabulary, old: Vocabulary) -> pl.Series:
    lost = old.values.filter(~old.values.is_in(vocabulary.values.implode()))
    return pl.concat([vocabulary.values, lost])


def _check(new: Encoder, old: Encoder) -> None:
    """Refuses encoders that give ids in different ways."""
    names, before = ([f.name for f in encoder.schema.features] for encoder in (new, old))
    if names != before:
        raise SchemaError(
            "The features must be those of the old run, in their order. Received: "
            f"{', '.join(names)} instead of {', '.join(before)}. {MEND}"
        )
    _same("", _domain(new), _domain(old))
    for feature, then in zip(new.schema.features, old.schema.features, strict=True):
        _same(f"Feature `{feature.name}`: ", _rules(new, feature), _rules(old, then))


def _domain(encoder: Encoder) -> dict[str, str | int]:
    domain = encoder.schema.domain
    return {"domain": domain, "dtype of the domain": encoder.domain_dtype if domain else ""}


def _rules(encoder: Encoder, feature: Feature) -> dict[str, Any]:
    """What decides about a feature's ids; `max_length` and `min_count` may differ."""
    rules = {key: getattr(feature, key) for key in _RULES}
    if feature.kind == "numeric" and not feature.is_value:
        rules["number of buckets"] = len(encoder.statistics[feature.name].edges) + 1
    return rules


def _same(where: str, new: dict[str, Any], old: dict[str, Any]) -> None:
    for key, value in new.items():
        if value != old[key]:
            raise SchemaError(
                f"{where}`{key}` must be that of the old run. Received: {value!r} instead of "
                f"{old[key]!r}. {MEND}"
            )
