"""Cuts and joins of tokens that leave out every operation that would change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from ctrmoe.layers.field_layout import consecutive_runs


def split(x: Any, lengths: Sequence[int]) -> list[Any]:
    """Cuts axis 1 into parts of these lengths."""
    if len(lengths) == 1:
        return [x]
    edges = [sum(lengths[:i]) for i in range(1, len(lengths))]
    return list(ops.split(x, edges, axis=1))


def in_order(pieces: Sequence[tuple[list[int], Any]], dtype: str) -> Any:
    """Joins pieces `[B, n, D]`, each with the places of its tokens, by runs of neighbours.

    Args:
        pieces: Places in ascending order, and their tokens.
        dtype: Of the result.
    """
    runs = {}
    for places, tokens in pieces:
        lengths, start = consecutive_runs(places), 0
        for length, run in zip(lengths, split(tokens, lengths), strict=True):
            runs[places[start]] = ops.cast(run, dtype)
            start += length
    ordered = [runs[place] for place in sorted(runs)]
    return ops.concatenate(ordered, axis=1) if len(ordered) > 1 else ordered[0]
