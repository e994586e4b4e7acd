"""The fields of a model: what the data says of a feature, and what the config makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ctrmoe.embedding_config import EmbeddingConfig, FeatureConfig
from ctrmoe.layers import FeatureEmbedding, Field


def configured_fields(
    fields: Sequence[Field], config: EmbeddingConfig, *, frozen: bool = True
) -> list[Field]:
    """Returns the fields with their options of `[model.embedding]`.

    Args:
        fields: As the data describes them.
        config: The options.
        frozen: Whether `trainable = false` counts, as it does where pre-trained vectors are read.

    Raises:
        ValueError: If an option is given to a feature that is not there or not of its kind.
    """
    names = {field.name for field in fields}
    for key, table in (("dims", config.dims), ("features", config.features)):
        if unknown := sorted(set(table) - names):
            raise ValueError(f"`embedding.{key}` must name features. Received: {unknown}.")
    return [_configured(field, config, frozen) for field in fields]


def bottom_token(embedding: FeatureEmbedding) -> int | None:
    """Returns the number of the token of the bottom MLP, or None where there is none."""
    for place, name in enumerate(embedding.token_names):
        field = next(field for field in embedding.fields if field.name == name)
        if field.numeric.get("kind") == "bottom_mlp":
            return place
    return None


def _configured(field: Field, config: EmbeddingConfig, frozen: bool) -> Field:
    own = config.features.get(field.name, FeatureConfig())
    _check(field, own)
    changes: dict[str, Any] = {
        "embedding_dim": config.dims.get(field.name, 0),
        "combiner": own.combiner,
        "numeric": own.numeric,
    }
    if field.kind == "numeric":
        changes["numeric"] = own.numeric or config.numeric
    if own.compose:
        changes |= {"buckets": own.buckets, "operation": own.operation}
    if frozen:
        changes["trainable"] = own.trainable
    return dataclasses.replace(field, **changes)


def _check(field: Field, own: FeatureConfig) -> None:
    for rule, value, holds in (
        ("`compose` and `buckets` must be given together", own.buckets,
         bool(own.compose) == bool(own.buckets)),
        ("`operation` is for a table with `compose`", own.operation,
         bool(own.compose) or own.operation == "multiply"),
        ("`pretrained` vectors need a table of a row an id, without `compose`", own.pretrained,
         not (own.pretrained and own.compose)),
        ("`pretrained` is for the feature that owns the table", own.pretrained,
         not own.pretrained or (field.kind != "numeric" and not field.table)),
        ("`trainable` may be false for a table with `pretrained` vectors only", own.trainable,
         own.trainable or bool(own.pretrained)),
    ):  # fmt: skip
        if not holds:
            raise ValueError(f"{rule}. Received: {value!r} for feature {field.name!r}.")
