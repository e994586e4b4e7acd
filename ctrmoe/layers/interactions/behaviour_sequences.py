"""Behaviour sequences as an interaction reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ctrmoe")
class BehaviourSequences(keras.layers.Layer):
    """Sets padding to zero and, with `positions`, adds a trainable vector `p_t` to token t.

    Args:
        positions: Whether there are position vectors, for each sequence its own.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        A list of sequences `[B, L, D]`, whose lengths may differ, and the list `keep` of boolean
        masks `[B, L]`, true where there is no padding.

    Output shape:
        That of the sequences.

    Raises:
        ValueError: If a length is unknown and there are `positions`.
    """

    def __init__(self, *, positions: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.positions = positions

    def build(self, sequences_shape: Sequence[Sequence[int | None]]) -> None:
        if not self.positions:
            return
        for shape in sequences_shape:
            if shape[1] is None:
                raise ValueError(
                    "`positions` must be False for a sequence of unknown length. "
                    f"Received: positions={self.positions}, shape={tuple(shape)}."
                )
        self.position_vectors = [
            self.add_weight(shape=shape[1:], initializer="random_normal", name=f"positions_{i}")
            for i, shape in enumerate(sequences_shape)
        ]

    def call(self, sequences: Sequence[Any], keep: Sequence[Any]) -> list[Any]:
        if self.positions:
            pairs = zip(sequences, self.position_vectors, strict=True)
            sequences = [sequence + vectors for sequence, vectors in pairs]
        pairs = zip(sequences, keep, strict=True)
        return [ops.where(ops.expand_dims(flag, -1), sequence, 0.0) for sequence, flag in pairs]

    def compute_mask(self, sequences: Any, previous_mask: Any = None) -> None:
        """None: `keep` says what is padding, and padding is zero from here on."""

    def compute_output_shape(
        self, sequences_shape: Sequence[Sequence[int | None]]
    ) -> list[Sequence[int | None]]:
        return list(sequences_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "positions": self.positions}


def listed_shapes(shape: Any, dim: int | None) -> list[Sequence[int | None]]:
    """The shapes of no, one or several sequences as a list; a ValueError if not `dim` wide."""
    if shape is None:
        return []
    shapes = list(shape) if isinstance(shape[0], list | tuple) else [shape]
    for one in shapes:
        if len(one) != 3 or one[-1] != dim:
            raise ValueError(
                "`sequences` must be `[B, L, D]`, as wide as the tokens, "
                f"{dim}. Received: shape={tuple(one)}."
            )
    return shapes


def total_length(shapes: Sequence[Sequence[int | None]]) -> int | None:
    """Tokens of all sequences, None if one's length is unknown."""
    lengths = [shape[1] for shape in shapes]
    known = [length for length in lengths if length is not None]
    return sum(known) if len(known) == len(lengths) else None


def listed_sequences(sequences: Any, mask: Any) -> tuple[list[Any], list[Any]]:
    """No, one or several sequences and their boolean masks as lists; no mask is no padding.

    Raises:
        ValueError: If there are not as many masks as sequences.
    """
    listed, masks = (
        [] if x is None else list(x) if isinstance(x, list | tuple) else [x]
        for x in (sequences, mask)
    )
    masks = masks or [None] * len(listed)
    if len(listed) != len(masks):
        raise ValueError(
            "`sequences_mask` must have one entry for each sequence. "
            f"Received: {len(masks)} masks, {len(listed)} sequences."
        )
    return listed, [_keep(*pair) for pair in zip(listed, masks, strict=True)]


def _keep(sequence: Any, mask: Any) -> Any:
    if mask is None:
        return ops.ones(ops.shape(sequence)[:2], dtype="bool")
    lengths = {mask.shape[-1], sequence.shape[1]} - {None}
    if len(mask.shape) != 2 or len(lengths) > 1:
        raise ValueError(
            "`sequences_mask` must be `[B, L]` as its sequence is. "
            f"Received: mask.shape={tuple(mask.shape)}, sequence.shape={tuple(sequence.shape)}."
        )
    return ops.cast(mask, "bool")


def joined(parts: list[Any]) -> Any:
    """The tokens of all parts, along axis 1."""
    return ops.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
