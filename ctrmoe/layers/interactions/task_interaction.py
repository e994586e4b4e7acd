"""What interactions that end in a token for each task have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras

from ctrmoe.layers.interactions.behaviour_sequences import listed_sequences


class TaskInteraction(keras.layers.Layer):
    """Base of interactions that lead fields and behaviour sequences to tasks, block by block.

    A child sets `num_tasks` and `blocks`, each of which maps a dictionary of tokens to another and
    tells its attention weights, and gives `first_tokens`.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `tokens` `[B, F, D]`; optionally `sequences` `[B, L, D]`, or a list of them for several
        kinds of behaviour, and `sequences_mask` `[B, L]`, or a list, true where there is no
        padding. Without it the sequences' own Keras masks count, such as those of
        `keras.layers.Embedding(…, mask_zero=True)`.

    Output shape:
        `[B, num_tasks, D]`.
    """

    num_tasks: int
    blocks: list[Any]

    @abstractmethod
    def first_tokens(self, fields: Any, sequences: list[Any], masks: list[Any]) -> tuple[Any, Any]:
        """The tokens that the first block reads, and the mask of the sequences, if any."""

    def result(self, tokens: Any, keep: Any) -> Any:
        """`[B, num_tasks, D]` of what the last block gives."""
        return tokens["tasks"]

    def call(
        self,
        tokens: Any,
        sequences: Any = None,
        sequences_mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        state, keep = self.first_tokens(tokens, *listed_sequences(sequences, sequences_mask))
        for block in self.blocks:
            state = block(state, keep=keep)
        return self.result(state, keep)

    def attention(
        self, tokens: Any, sequences: Any = None, sequences_mask: Any = None
    ) -> list[dict[str, Any]]:
        """Attention weights `[B, H, Q, N]` of each block, by flow: `"tasks_to_fields"` …"""
        state, keep = self.first_tokens(tokens, *listed_sequences(sequences, sequences_mask))
        weights = []
        for block in self.blocks:
            weights.append(block.attention(state, keep=keep))
            state = block(state, keep=keep)
        return weights

    def compute_mask(self, tokens: Any, previous_mask: Any = None) -> None:
        """None: no task's token is padding, so Keras is to hand on no mask."""

    def compute_output_shape(
        self, tokens_shape: Sequence[int | None], sequences_shape: Any = None
    ) -> tuple[int | None, ...]:
        return (tokens_shape[0], self.num_tasks, tokens_shape[-1])
