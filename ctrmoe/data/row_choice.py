"""Which rows of an encoded table an epoch takes, and how often: the same in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ctrmoe.data.encoded import RowGroup, read_domain, read_labels
from ctrmoe.schema import UNKNOWN, Schema, SchemaError


@dataclass(frozen=True, slots=True)
class Piece:
    """Every `count`-th of the rows taken of a row group, from the `index`-th on.

    Args:
        position: The number of the row group in the table.
        index: The piece among those of its row group.
        count: Their number.
        rows: The number of rows taken.
    """

    position: int
    index: int
    count: int
    rows: int


class RowChoice:
    """Keeps a share of the negative rows and evens the domains out.

    With a temperature `T`, a domain with `n` of the `N` rows that are kept is drawn with a
    probability in proportion to `(n / N)^(1 / T)`: each of its rows is taken
    `r = (n / N)^(1 / T - 1) / Σ (n' / N)^(1 / T)` times, that is `⌊r⌋` times and once more with
    probability `r - ⌊r⌋`, which takes `N` rows in all on average. Rows of no known domain count as
    one domain. The draws depend on the seed and the number of the row group alone.

    Args:
        groups: The row groups of the table.
        schema: The resolved schema.
        seed: Of the draws.
        negative_rate: Share kept of the rows that are negative for every task.
        domain_temperature: `T`; 1 takes every row that is kept once.

    Raises:
        SchemaError: If domains are to be evened out and the schema has none.

    Reference:
        Temperature sampling of languages: Arivazhagan et al., 2019, arXiv:1907.05019.
    """

    def __init__(
        self,
        groups: Sequence[RowGroup],
        schema: Schema,
        *,
        seed: int = 0,
        negative_rate: float = 1.0,
        domain_temperature: float = 1.0,
    ) -> None:
        if domain_temperature != 1 and not schema.domain:
            raise SchemaError(
                "`data.domain_temperature` must be 1 where the schema has no `domain`. Received: "
                f"{domain_temperature}. Leave it out, or name the column of the domain."
            )
        self._groups = groups
        self._schema = schema
        self._seed = seed
        self._negative_rate = negative_rate
        self._times: np.ndarray | None = None
        if domain_temperature != 1:
            self._times = _times(self._count_domains(), domain_temperature)

    def pieces(self) -> list[Piece]:
        """Divides the row groups so that no piece has more rows than the largest row group.

        Without repeated rows each row group is one piece.
        """
        result = []
        most = max(group.rows for group in self._groups)
        for position in range(len(self._groups)):
            rows = self._count(position)
            count = max(1, -(-rows // most))
            sizes = [len(range(index, rows, count)) for index in range(count)]
            result += [Piece(position, i, count, size) for i, size in enumerate(sizes)]
        return result

    def rows(
        self, piece: Piece, labels: dict[str, np.ndarray], domain: np.ndarray | None
    ) -> np.ndarray | slice:
        """Returns the numbers of a piece's rows in its row group, or a slice of all of them.

        Args:
            piece: One of `pieces`.
            labels: The labels of all rows of its row group.
            domain: The ids of their domains.
        """
        if self._times is None or domain is None:
            return self._kept(piece.position, labels) if self._negative_rate < 1 else slice(None)
        kept = self._kept(piece.position, labels)
        times = self._draw(piece.position, self._times[_index(domain)])
        ends = np.cumsum(times[kept])
        places = piece.index + piece.count * np.arange(piece.rows)
        return kept[np.searchsorted(ends, places, side="right")]

    def _kept(self, position: int, labels: dict[str, np.ndarray] | None) -> np.ndarray:
        """Returns the rows of a row group that down-sampling keeps."""
        if self._negative_rate >= 1 or labels is None:
            return np.arange(self._groups[position].rows)
        positive = np.any([column > 0 for column in labels.values()], axis=0)
        draw = np.random.default_rng([self._seed, 2**31, position]).random(len(positive))
        return np.flatnonzero(positive | (draw < self._negative_rate))

    def _draw(self, position: int, times: np.ndarray) -> np.ndarray:
        """Rounds how often each row of a row group is taken up or down, right on average."""
        whole = np.floor(times)
        draw = np.random.default_rng([self._seed, 2**31 + 1, position]).random(len(times))
        result: np.ndarray = (whole + (draw < times - whole)).astype(np.int64)
        return result

    def _labels(self, position: int) -> dict[str, np.ndarray] | None:
        """Reads the labels of a row group where the choice depends on them."""
        if self._negative_rate >= 1:
            return None
        return read_labels(self._groups[position], self._schema)

    def _count(self, position: int) -> int:
        kept = self._kept(position, self._labels(position))
        if self._times is None:
            return len(kept)
        times = self._times[_index(read_domain(self._groups[position]))]
        return int(self._draw(position, times)[kept].sum())

    def _count_domains(self) -> np.ndarray:
        counts = np.zeros(1, np.int64)
        for position, group in enumerate(self._groups):
            kept = self._kept(position, self._labels(position))
            found = np.bincount(_index(read_domain(group))[kept], minlength=len(counts))
            found[: len(counts)] += counts
            counts = found
        return counts


def _index(ids: np.ndarray) -> np.ndarray:
    """Returns 0 for rows of no known domain, then 1, 2, …"""
    index: np.ndarray = np.maximum(ids - UNKNOWN, 0)
    return index


def _times(counts: np.ndarray, temperature: float) -> np.ndarray:
    """Returns how often to take the rows of each domain."""
    shares = counts / max(counts.sum(), 1)
    drawn = shares ** (1 / temperature)
    times: np.ndarray = np.divide(drawn, shares * drawn.sum(), where=shares > 0, out=1.0 * shares)
    return times
