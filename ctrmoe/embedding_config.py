"""The configuration of the field tokens: a part of `ctrmoe.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureConfig:
    """What one feature's token is made of: `[model.embedding.features.NAME]`.

    Args:
        combiner: What makes a token of the several ids of a list.
        numeric: Of a feature read as a number, what the layer-wide `numeric` is; empty takes that.
        compose: `quotient_remainder` composes each id's embedding of two rows of small tables.
        buckets: Rows of the table of remainders, where composed.
        operation: How the two rows are joined, where composed.
        pretrained: A parquet file with the columns `value` and `vector` (a list of numbers as wide
            as the table), whose vectors the table starts with.
        trainable: Whether training moves a table with pre-trained vectors.
    """

    combiner: Literal["mean", "sum", "sqrtn", "max"] = "mean"
    numeric: Mapping[str, Any] = field(default_factory=dict)
    compose: Literal["", "quotient_remainder"] = ""
    buckets: int = 0
    operation: Literal["multiply", "add", "concatenate"] = "multiply"
    pretrained: str = ""
    trainable: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddingConfig:
    """Options of `ctrmoe.layers.FeatureEmbedding`.

    Args:
        dim: Size of a field token.
        dims: Sizes of single features' tables, by feature name; they are projected to `dim`.
        numeric: `kind` in `ctrmoe.layers.NUMERIC_EMBEDDINGS` and options of what makes tokens of
            numbers; empty for `linear`.
        features: What differs for single features, by name.
        l2: Weight of the squared norm of the rows that a batch reads (of those rows only).
        dropout: Share of the token entries dropped while training.
    """

    dim: int = 16
    dims: Mapping[str, int] = field(default_factory=dict)
    numeric: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, FeatureConfig] = field(default_factory=dict)
    l2: float = 0.0
    dropout: float = 0.0
