"""Tokens of numeric fields of several kinds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.field import Field
from ctrmoe.layers.numeric import NUMERIC_EMBEDDINGS
from ctrmoe.layers.numeric.bottom_mlp import BottomMLP
from ctrmoe.layers.registry import constructor_parameters, create


@keras.saving.register_keras_serializable(package="ctrmoe")
class NumericFields(keras.layers.Layer):
    """Reads each numeric field by the embedding that it names; fields with equal options share one.

    A bottom MLP makes one token of all its fields, which stands in the place of the first of them.

    Args:
        fields: The numeric fields (or their dictionaries), in the order of the columns.
        embedding_dim: Width `D` of the tokens.
        initializer: Initializer of what lies in the space of tokens.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32, with `N = len(fields)`.

    Output shape:
        `[B, T, D]` in the variables' dtype, with T the number of tokens.

    Raises:
        ValueError: If an embedding does not take one of its options, or needs quantiles that a
            field does not have.
    """

    def __init__(
        self,
        fields: Sequence[Field | Mapping[str, Any]],
        embedding_dim: int,
        *,
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{**kwargs, "autocast": False})
        self.fields = [f if isinstance(f, Field) else Field(**f) for f in fields]
        self.embedding_dim = embedding_dim
        self.initializer = keras.initializers.get(initializer)
        groups: dict[str, list[int]] = {}
        for column, field in enumerate(self.fields):
            options = {"kind": "linear", **field.numeric}
            groups.setdefault(json.dumps(options, sort_keys=True), []).append(column)
        self._columns = list(groups.values())
        self.embeddings = [self._create(json.loads(key), groups[key]) for key in groups]
        self._places = [
            column
            for columns, embedding in zip(self._columns, self.embeddings, strict=True)
            for column in (columns[:1] if isinstance(embedding, BottomMLP) else columns)
        ]

    def _create(self, options: dict[str, Any], columns: list[int]) -> Any:
        kind = options.pop("kind")
        given: dict[str, Any] = {}
        if kind in NUMERIC_EMBEDDINGS:
            known = constructor_parameters(NUMERIC_EMBEDDINGS[kind])
            if "initializer" in known:
                given["initializer"] = self.initializer.clone()
            if "quantiles" in known:
                given["quantiles"] = [_quantiles(self.fields[column]) for column in columns]
        return create(
            NUMERIC_EMBEDDINGS,
            kind,
            embedding_dim=self.embedding_dim,
            **given,
            **options,
            dtype=self.dtype_policy,
            name=f"{kind}_{columns[0]}",
        )

    @property
    def first_fields(self) -> list[int]:
        """For each token the number of the field, or of the first of the fields, it is of."""
        return sorted(self._places)

    def build(self, input_shape: Sequence[int | None]) -> None:
        for columns, embedding in zip(self._columns, self.embeddings, strict=True):
            embedding.build((input_shape[0], len(columns)))

    def call(self, inputs: Any) -> Any:
        parts = []
        for columns, embedding in zip(self._columns, self.embeddings, strict=True):
            everything = len(columns) == len(self.fields)
            parts.append(embedding(inputs if everything else ops.take(inputs, columns, axis=1)))
        tokens = ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
        order = [self._places.index(column) for column in self.first_fields]
        return tokens if order == sorted(order) else ops.take(tokens, order, axis=1)

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = (inputs.shape[0], len(self.first_fields), self.embedding_dim)
        return keras.KerasTensor(shape, dtype=self.variable_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.to_dict() for field in self.fields],
            "embedding_dim": self.embedding_dim,
            "initializer": keras.initializers.serialize(self.initializer),
        }


def _quantiles(field: Field) -> tuple[float, ...]:
    if not field.quantiles:
        raise ValueError(
            f"`quantiles` of field {field.name!r} must be known for {field.numeric['kind']!r}. "
            "Received: none. Prepare the data again with this version."
        )
    return field.quantiles
