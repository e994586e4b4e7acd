"""Chunks of rows divided anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from ctrmoe.data.sources import Origin


def mini_batches(
    chunks: Iterable[tuple[pl.DataFrame, Origin, int]], rows: int
) -> Iterator[tuple[pl.DataFrame, Origin, int]]:
    """Yields frames of exactly `rows` rows, the last of what is left, across chunks and files.

    Each comes with the origin of its first row and the number of rows before it.
    """
    held: pl.DataFrame | None = None
    origin, first = Origin(), 0
    for chunk, where, before in chunks:
        if held is None or not len(held):
            held, origin, first = chunk, where, before
        else:
            held = pl.concat([held, chunk])
        while len(held) >= rows:
            yield held[:rows], origin, first
            held, first = held[rows:], first + rows
            origin = Origin(where.name, where.first_row + first - before)
    if held is not None and len(held):
        yield held, origin, first
