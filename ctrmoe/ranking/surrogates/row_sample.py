"""A sample of the rows of a table, drawn while it is read."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.ranking.keys import mixed


class RowSample:
    """Keeps the rows whose numbers have the smallest hashes: a random sample of a fixed size.

    It is the same whatever the chunks, and samples of parts are merged into that of the whole.

    Args:
        size: Most rows that are kept.
        seed: Another seed, another sample.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._salt = mixed(np.array([seed]))
        self._hashes = np.zeros(0, np.uint64)
        self._numbers = np.zeros(0, np.int64)
        self._frames: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame, numbers: np.ndarray) -> None:
        """Adds rows.

        Args:
            frame: The rows.
            numbers: The number of each in the whole table.
        """
        hashes = mixed(mixed(numbers) ^ self._salt)
        if len(self._hashes) >= self._size:
            kept = hashes < np.partition(self._hashes, self._size - 1)[self._size - 1]
            frame, hashes, numbers = frame.filter(pl.Series(kept)), hashes[kept], numbers[kept]
        self._append([frame], hashes, numbers)

    def merge(self, other: RowSample) -> None:
        """Adds the sample of other rows."""
        self._append(other._frames, other._hashes, other._numbers)

    def rows(self) -> tuple[pl.DataFrame, np.ndarray]:
        """Returns the sample in the order of its rows, and their numbers."""
        self._trim()
        if not self._frames:
            return pl.DataFrame(), self._numbers
        order = np.argsort(self._numbers)
        return self._frames[0][order], self._numbers[order]

    def _append(self, frames: list[pl.DataFrame], hashes: np.ndarray, numbers: np.ndarray) -> None:
        self._frames = [*self._frames, *(frame for frame in frames if len(frame))]
        self._hashes = np.concatenate([self._hashes, hashes])
        self._numbers = np.concatenate([self._numbers, numbers])
        if len(self._hashes) > 2 * self._size:
            self._trim()

    def _trim(self) -> None:
        if self._frames:
            self._frames = [pl.concat(self._frames, how="vertical_relaxed")]
        if len(self._hashes) > self._size:
            kept = np.argpartition(self._hashes, self._size - 1)[: self._size]
            self._frames = [self._frames[0][kept]]
            self._hashes, self._numbers = self._hashes[kept], self._numbers[kept]
