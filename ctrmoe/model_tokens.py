"""The tokens of a model: the embedding of its fields, with its sequences pooled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.config import ModelConfig
from ctrmoe.layers import POOLINGS, FeatureEmbedding, Field, create
from ctrmoe.model_fields import configured_fields

EMBEDDING = "embedding"
"""Name of the layer whose tables may have pre-trained vectors."""


def create_embedding(
    fields: Sequence[Field], config: ModelConfig, *, pool: bool, name: str = EMBEDDING
) -> FeatureEmbedding:
    """Creates the embedding of a model.

    Args:
        fields: As the data describes them.
        config: The parts and their options.
        pool: Whether a sequence is to be one token already.
        name: Of the layer; another than `EMBEDDING` reads no pre-trained vectors.

    Raises:
        ValueError: If an option is given to a feature that is not there or not of its kind.
    """
    options = config.embedding
    return FeatureEmbedding(
        configured_fields(fields, options, frozen=name == EMBEDDING),
        options.dim,
        pool_sequences=pool or not any(field.kind == "sequence" for field in fields),
        embeddings_l2=options.l2,
        dropout=options.dropout,
        name=name,
    )


def join_tokens(
    embedding: FeatureEmbedding, config: ModelConfig, inputs: Any
) -> tuple[Any, dict[str, Any]]:
    """Calls the embedding and pools its sequences.

    Args:
        embedding: Of `create_embedding`.
        config: The parts and their options.
        inputs: The packed matrices by name.

    Returns:
        The tokens of all fields, `[B, F, D]`, and what an interaction that reads sequences takes
        instead: `tokens` of the other fields, `sequences` and `sequences_mask`.

    Raises:
        ValueError: If the pooling does not take one of its options.
    """
    embedded = embedding(inputs)
    if embedding.pool_sequences:
        _pooling(config, "no", 0)  # its options are checked whatever the data
        return embedded, {"tokens": embedded}
    tokens, sequences, masks = (embedded[key] for key in ("tokens", "sequences", "masks"))
    pooled = []
    for index, (name, sequence) in enumerate(sequences.items()):
        pooling = _pooling(config, name, index)
        query = {"query": _candidate(name, embedding, tokens)} if pooling.reads_query else {}
        pooled.append(pooling(sequence, masks[name], **query)[:, None])
    joined = keras.layers.Concatenate(axis=1, name="tokens")([tokens, *pooled])
    lists = {"sequences": list(sequences.values()), "sequences_mask": list(masks.values())}
    return joined, {"tokens": tokens, **lists}


def layer_name(name: str) -> str:
    """Returns what TensorFlow takes of a name; tables and columns may be called anything."""
    return re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_") or "unnamed"


def _pooling(config: ModelConfig, name: str, index: int) -> Any:
    options = dict(config.pooling)
    kind = options.pop("kind", "" if options else "mean")
    # Names that differ in odd characters alone would be one.
    name = name if layer_name(name) == name else f"{layer_name(name)}_{index}"
    return create(POOLINGS, kind, **options, name=f"{name}_pooling")


def _candidate(name: str, embedding: FeatureEmbedding, tokens: Any) -> Any:
    """The token of the feature whose table a sequence shares: the item that is to be scored."""
    table = next(field.table for field in embedding.fields if field.name == name)
    names = embedding.token_names
    return tokens[:, names.index(table)] if table in names else None
