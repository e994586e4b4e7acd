"""Encoded rows as packed matrices: one for the ids, one for the lists, one for the numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ctrmoe.schema import Feature, Schema

DOMAIN = "domain:id"
"""The domain among the features' arrays and vocabularies, and its column in encoded files."""
LABEL_PREFIX = "label:"
"""Before the name of a task: its column in encoded files."""
WEIGHTS_PREFIX = "weights:"
"""Before the name of a feature whose values are weighted: the weights' array and column."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows as the model reads them.

    Args:
        ids: `[rows, len(schema.single)]` int32.
        sequences: `[rows, sum of max_length of schema.lists]` int32.
        values: `[rows, len(schema.values)]` float32, NaN where missing.
        domain: `[rows]` int32, or None.
        weights: `[rows, sum of max_length of schema.weighted]` float32, 0 for padding, or None.
    """

    ids: np.ndarray
    sequences: np.ndarray
    values: np.ndarray
    domain: np.ndarray | None
    weights: np.ndarray | None = None

    @classmethod
    def pack(cls, schema: Schema, arrays: dict[str, np.ndarray], rows: int) -> Encoded:
        """Packs one array a feature, and that of the domain, into matrices."""

        def matrix(features: tuple[Feature, ...], dtype: type, prefix: str = "") -> np.ndarray:
            widths = [max(feature.max_length, 1) for feature in features]
            result: np.ndarray = np.empty((rows, sum(widths)), dtype)
            ends = np.cumsum(widths)
            for feature, end, width in zip(features, ends, widths, strict=True):
                result[:, end - width : end] = arrays[prefix + feature.name].reshape(rows, width)
            return result

        return cls(
            matrix(schema.single, np.int32),
            matrix(schema.lists, np.int32),
            matrix(schema.values, np.float32),
            arrays.get(DOMAIN),
            matrix(schema.weighted, np.float32, WEIGHTS_PREFIX) if schema.weighted else None,
        )
