"""From packed matrices to field tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers._checks import check_not_negative, check_positive_integer, check_rate
from ctrmoe.layers.combiners import COMBINERS
from ctrmoe.layers.embedding_tables import create_table
from ctrmoe.layers.field import Field
from ctrmoe.layers.field_layout import (
    TableGroup,
    check_fields,
    group_by_dim,
    input_widths,
    weight_columns,
)
from ctrmoe.layers.fused_table import PADDING
from ctrmoe.layers.numeric.linear import NumericEmbedding
from ctrmoe.layers.numeric_fields import NumericFields
from ctrmoe.layers.token_order import cut_by_field, in_order


@keras.saving.register_keras_serializable(package="ctrmoe")
class FeatureEmbedding(keras.layers.Layer):
    """One token for each field, by one lookup for all the ids of a row.

    - categorical: `e = V[id]`;
    - multi-valued and sequence: `e = (1/q) Σ V[id]` over the `q` ids that are not padding, the
      zero vector if there is none, or what another `combiner` of the field gives;
    - numeric: `e = v · x`, and a trainable vector `m` in its place where `x` is NaN (missing), or
      what the field's `numeric` names; a bottom MLP makes one token of all its fields.

    Ids are 0 padding, 1 missing, 2 unknown, then the values; an id out of range is read as
    unknown. Fields with an `embedding_dim` of their own are looked up in a matrix of that width,
    which a kernel without bias, one for each width, projects to the layer's before a combiner joins
    the rows. Composed tables and frozen ones have matrices of their own.

    With `pool_sequences=False` the sequences are not averaged and have no token: they come beside
    the tokens, for interactions that read them and for other poolings.

    Args:
        fields: The fields (or their dictionaries), in the order of the tokens.
        embedding_dim: Width `D` of the tokens.
        pool_sequences: Whether a sequence becomes one token, the mean of its ids.
        embeddings_initializer: Initializer of tables and of the vectors `v` and `m`.
        embeddings_l2: While training, adds the loss `embeddings_l2 · mean_b Σ e²` over the table
            rows that the batch looks up, once for each occurrence; the rest of the table is
            neither penalised nor read, and no frozen table is.
        dropout: Share of the tokens' entries set to zero while training.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        A dictionary of `"ids"` `[B, C]` int32 (the categorical fields in order), `"sequences"`
        `[B, S]` int32 (the `length` ids of each multi-valued and sequence field in order) and
        `"values"` `[B, N]` float32 (the numeric fields in order) and `"weights"` `[B, W]` float32
        (those of the `length` ids of each weighted field in order); a key is absent if its width
        is 0.

    Output shape:
        `[B, F, D]`, F in the order of `fields`. With `pool_sequences=False` a dictionary:
        `"tokens"` `[B, F', D]` of the fields that are no sequences, and by the name of each
        sequence `"sequences"` `[B, L, D]` and `"masks"` `[B, L]`, true where there is no padding.

    Raises:
        ValueError: If the fields do not fit each other (`field_layout.check_fields`) or the input's
            keys and widths, or `pool_sequences=False` leaves no field with a token.

    Reference:
        Song et al., AutoInt, 2019, arXiv:1810.11921. The missing vector and the
        projection of other widths are not in the paper.

    Example:

    >>> layer = FeatureEmbedding([Field(name="hour", kind="categorical", vocabulary_size=27)], 4)
    >>> layer({"ids": keras.ops.ones((2, 1), dtype="int32")}).shape
    TensorShape([2, 1, 4])
    """

    def __init__(
        self,
        fields: Sequence[Field | Mapping[str, Any]],
        embedding_dim: int,
        *,
        pool_sequences: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_l2: float = 0.0,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        # Numbers must reach `v · x` in float32.
        super().__init__(**{**kwargs, "autocast": False})
        self.fields = [f if isinstance(f, Field) else Field(**f) for f in fields]
        check_fields(self.fields, pool_sequences)
        self.embedding_dim = check_positive_integer("embedding_dim", embedding_dim)
        self.pool_sequences = pool_sequences
        if all(map(self._stays_sequence, self.fields)):
            raise ValueError(
                "`pool_sequences` must be True where every field is a sequence. "
                f"Received: pool_sequences={pool_sequences}."
            )
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)
        self.embeddings_l2 = check_not_negative("embeddings_l2", embeddings_l2)
        self.dropout = check_rate("dropout", dropout)
        self._groups = group_by_dim(self.fields, self.embedding_dim)
        self._create_children()

    def _create_children(self) -> None:
        dtype = self.dtype_policy
        initializer = self.embeddings_initializer
        self.tables = [
            create_table(group, initializer.clone(), self.dtype_policy) for group in self._groups
        ]
        self.projections = {
            str(group.dim): keras.layers.Dense(
                self.embedding_dim, use_bias=False, dtype=dtype, name=f"projection_{group.dim}"
            )
            for group in self._groups
            if group.dim != self.embedding_dim
        }
        numeric = [i for i, field in enumerate(self.fields) if field.kind == "numeric"]
        options = {"initializer": self.embeddings_initializer.clone(), "dtype": dtype}
        self.numbers: Any = NumericEmbedding(self.embedding_dim, **options, name="numbers")
        if any(self.fields[i].numeric for i in numeric):
            fields = [self.fields[i] for i in numeric]
            self.numbers = NumericFields(fields, self.embedding_dim, **options, name="numbers")
            numeric = [numeric[i] for i in self.numbers.first_fields]
        self._numeric = numeric
        self.dropout_layer = keras.layers.Dropout(self.dropout, dtype=dtype, name="dropout")

    def build(self, input_shape: Mapping[str, Sequence[int | None]]) -> None:
        if not isinstance(input_shape, Mapping):
            raise ValueError(
                f"The input must be a dictionary of {', '.join(input_widths(self.fields))}. "
                f"Received: shape={tuple(input_shape)}."
            )
        widths = {key: shape[-1] for key, shape in input_shape.items()}
        if widths != input_widths(self.fields):
            raise ValueError(
                f"The input must have the widths of the fields, {input_widths(self.fields)}. "
                f"Received: {widths}."
            )
        for group, table in zip(self._groups, self.tables, strict=True):
            table.build((None, len(group.columns)))
            projection = self.projections.get(str(group.dim))
            if projection and not projection.built:  # groups of one width share it
                projection.build((None, len(group.fields), group.dim))
        if self._numeric:
            self.numbers.build(input_shape["values"])

    def call(
        self,
        inputs: Mapping[str, Any],
        training: bool | None = None,
        shared: Collection[str] = (),
    ) -> Any:
        """Embeds packed rows.

        Args:
            inputs: The packed matrices.
            training: Whether this is a step of a training.
            shared: Names of fields that are alike in all rows: they are looked up in the first
                alone. A sequence among them that is not pooled keeps that one row. Numbers are
                computed once where all numeric fields are shared.
        """
        once = self.alike(shared)
        others = [place for place in range(len(self.fields)) if place not in once]
        pieces, sequences, masks = self._embed(inputs, others, training)
        if once:
            first = {name: matrix[:1] for name, matrix in inputs.items()}
            alike, *unpooled = self._embed(first, once, training)
            rows = ops.shape(next(iter(inputs.values())))[0]
            pieces += [(places, _repeated(tokens, rows)) for places, tokens in alike]
            sequences, masks = sequences | unpooled[0], masks | unpooled[1]
        tokens = self.dropout_layer(in_order(pieces, self.compute_dtype), training=training)
        if self.pool_sequences:
            return tokens
        return {"tokens": tokens, "sequences": sequences, "masks": masks}

    def alike(self, shared: Collection[str]) -> list[int]:
        """Positions of the fields to embed once; a kind of numbers may join several fields."""
        found = [place for place, field in enumerate(self.fields) if field.name in shared]
        numeric = {place for place, field in enumerate(self.fields) if field.kind == "numeric"}
        return [place for place in found if place not in numeric or numeric <= set(found)]

    def _embed(
        self, inputs: Mapping[str, Any], places: Sequence[int], training: bool | None
    ) -> tuple[list[tuple[list[int], Any]], dict[str, Any], dict[str, Any]]:
        """Tokens of some fields with their positions; sequences that are not pooled, and masks."""
        matrices = [inputs[key] for key in ("ids", "sequences") if key in inputs]
        ids = ops.concatenate(matrices, axis=1) if len(matrices) > 1 else (matrices or [None])[0]
        pieces, sequences, masks = [], {}, {}
        for group, table in zip(self._groups, self.tables, strict=True):
            for positions, part, rows in self._lookups(group, table, ids, places, training):
                field = self.fields[positions[0]]
                if self._stays_sequence(field):
                    rows = ops.cast(rows, self.compute_dtype)
                    sequences[field.name] = self.dropout_layer(rows, training=training)
                    masks[field.name] = ops.not_equal(part, PADDING)
                else:
                    if field.is_list:
                        rows = COMBINERS[field.combiner](part, rows, self._weights(inputs, field))
                    pieces.append((positions, rows))
        if self._numeric and self._numeric[0] in places:
            pieces.append((self._numeric, self.numbers(inputs["values"])))
        return pieces, sequences, masks

    @property
    def token_names(self) -> list[str]:
        """For each token the name of its field, of a bottom MLP that of the first."""
        return [
            field.name
            for i, field in enumerate(self.fields)
            if (i in self._numeric if field.kind == "numeric" else not self._stays_sequence(field))
        ]

    def rows(self, name: str) -> np.ndarray:
        """Returns the rows of a field's table, one an id; the table must not be composed."""
        group = next(i for i, g in enumerate(self._groups) if name in g.owners)
        return self.tables[group].rows(self._groups[group].owners.index(name))

    def assign_rows(self, name: str, ids: np.ndarray, vectors: np.ndarray) -> None:
        """Writes vectors `[n, width]` into the rows of these ids in a field's table."""
        group = next(i for i, g in enumerate(self._groups) if name in g.owners)
        self.tables[group].assign_rows(self._groups[group].owners.index(name), ids, vectors)

    def _weights(self, inputs: Mapping[str, Any], field: Field) -> Any:
        return inputs["weights"][:, weight_columns(self.fields, field)] if field.weighted else None

    def _stays_sequence(self, field: Field) -> bool:
        return field.kind == "sequence" and not self.pool_sequences

    def _lookups(
        self,
        group: TableGroup,
        table: Any,
        ids: Any,
        places: Sequence[int],
        training: bool | None,
    ) -> list[tuple[list[int], Any, Any]]:
        """Positions, ids `[B, n]` and rows `[B, n, D]` of the categorical fields, then the lists.

        The projection of other widths is linear: it may come before the mean.
        """
        fields = [field for field in group.fields if field in places]
        if not fields:
            return []
        chosen = group.places(fields, self.fields)
        columns = [group.columns[place] for place in chosen]
        if columns != list(range(ids.shape[1])):
            ids = ops.take(ids, columns, axis=1)
        rows = table(ids, columns=None if fields == group.fields else chosen)
        if training and self.embeddings_l2 and group.trainable:
            squares = ops.sum(ops.square(rows), axis=(1, 2))
            self.add_loss(self.embeddings_l2 * ops.mean(squares))
        if str(group.dim) in self.projections:
            rows = self.projections[str(group.dim)](rows)
        return cut_by_field(fields, self.fields, ids, rows)

    def compute_output_shape(self, input_shape: Mapping[str, Sequence[int | None]]) -> Any:
        batch = next(iter(input_shape.values()))[0]
        unpooled = {f.name: f.length for f in self.fields if self._stays_sequence(f)}
        tokens = (batch, len(self.token_names), self.embedding_dim)
        if self.pool_sequences:
            return tokens
        return {
            "tokens": tokens,
            "sequences": {n: (batch, length, self.embedding_dim) for n, length in unpooled.items()},
            "masks": {name: (batch, length) for name, length in unpooled.items()},
        }

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        spec = super().compute_output_spec(*args, **kwargs)
        if not self.pool_sequences:
            masks = spec["masks"].items()
            spec["masks"] = {n: keras.KerasTensor(mask.shape, "bool") for n, mask in masks}
        return spec

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.to_dict() for field in self.fields],
            "embedding_dim": self.embedding_dim,
            "pool_sequences": self.pool_sequences,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
            "embeddings_l2": self.embeddings_l2,
            "dropout": self.dropout,
        }


def _repeated(tokens: Any, rows: Any) -> Any:
    """`[1, n, D] → [rows, n, D]`."""
    return ops.broadcast_to(tokens, (rows, *tokens.shape[1:]))
