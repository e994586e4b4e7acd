"""What the poolings have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


class Pooling(keras.layers.Layer):
    """Base of layers from a sequence to one token.

    Input shape:
        `sequence` `[B, L, D]`, `mask` `[B, L]`, true where there is no padding, and a `query`
        `[B, D]`, the candidate.

    Output shape:
        `[B, D]`.
    """

    reads_query = False
    """Whether the candidate counts: a pooling that does not read it is the same for all of them."""

    def compute_mask(self, sequence: Any, previous_mask: Any = None) -> None:
        """None: the output has no axis of tokens."""

    def compute_output_shape(
        self, sequence_shape: Sequence[int | None], query_shape: Any = None
    ) -> tuple[int | None, ...]:
        return (sequence_shape[0], sequence_shape[-1])
