"""Cuts and joins of tokens that leave out every operation that would change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from ctrmoe.layers.field import Field
from ctrmoe.layers.field_layout import consecutive_runs


def split(x: Any, lengths: Sequence[int]) -> list[Any]:
    """Cuts axis 1 into parts of these lengths."""
    if len(lengths) == 1:
        return [x]
    edges = [sum(lengths[:i]) for i in range(1, len(lengths))]
    return list(ops.split(x, edges, axis=1))


def cut_by_field(
    positions: list[int], fields: Sequence[Field], ids: Any, rows: Any
) -> list[tuple[list[int], Any, Any]]:
    """Cuts ids `[B, n]` and their rows `[B, n, D]` into those of single ids, then of each list.

    Args:
        positions: Of the fields among `fields`, those with several ids a row at the end.
        fields: All fields.
        ids: The ids of those fields, in their order.
        rows: Their rows.

    Returns:
        Positions, ids and rows of each part.
    """
    lists = [position for position in positions if fields[position].is_list]
    single = positions[: len(positions) - len(lists)]
    lengths = [len(single), *(fields[position].length for position in lists)]
    parts = zip(
        [single, *([position] for position in lists)],
        split(ids, lengths),
        split(rows, lengths),
        strict=True,
    )
    return list(parts)[0 if single else 1 :]


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
