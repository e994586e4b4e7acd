"""How far the distribution of a column in one table is from that in another."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.counts import KEY, ROWS
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NUM_BINS = 10
NUM_CATEGORIES = 50
Counts = tuple[np.ndarray, np.ndarray]


def drifted(
    tables: Tables,
    check: str,
    title: str,
    measure: Callable[..., float],
    by_chance: Callable[..., float],
) -> Iterator[Finding]:
    """Finds the columns whose measure of drift, less what chance gives, passes the check's limit.

    Args:
        tables: The two tables.
        check: The check's name, that of its limit too.
        title: What the measure is called in sentences.
        measure: Of the rows by bin in both tables.
        by_chance: What it is on average where nothing has changed.
    """
    for column, other in tables.pairs():
        limit = tables.limit(check, column.name)
        rows = binned(column, other)
        value = measure(*rows)
        if value - by_chance(*rows) > limit and tables.against is not None:
            yield Finding(
                check=check,
                severity="warning",
                column=column.name,
                value=value,
                limit=limit,
                message=f"The {title} of `{column.name}` must be at most {limit:g}. Received: "
                f"{value:.3f} from {tables.data.name} to {tables.against.name}. Find out what "
                f"changed, train on newer rows, or raise `{check}`.",
            )


def binned(data: ColumnProfile, other: ColumnProfile) -> Counts:
    """Returns the rows of two tables by bin, the missing ones as the last bin.

    Numbers fall into ten bins of equally many rows of `data`, categories into its 50 most frequent
    ones (by the last 16 bits of their hash) and the rest.
    """
    binning = _number_bins if data.column.kind == "number" else _category_bins
    first, second = binning(data, other)
    first, second = np.append(first, data.missing), np.append(second, other.missing)
    used = (first + second) > 0
    return first[used], second[used]


def psi(data: np.ndarray, other: np.ndarray) -> float:
    """Returns the population stability index, the sum of (q - p)·ln(q / p).

    Half a row is added to each bin, so that an empty one counts and the index stays finite.
    """
    p, q = _shares(data), _shares(other)
    return float(((q - p) * np.log(q / p)).sum())


def jensen_shannon(data: np.ndarray, other: np.ndarray) -> float:
    """Returns the Jensen-Shannon divergence in bits: 0 for equal shares, 1 for disjoint ones."""
    p, q = _shares(data), _shares(other)
    middle = (p + q) / 2
    return float(((p * np.log2(p / middle) + q * np.log2(q / middle)) / 2).sum())


def psi_by_chance(data: np.ndarray, other: np.ndarray) -> float:
    """Returns the index that two samples of one distribution pass once in about a thousand times.

    It is nearly chi-square over k - 1 degrees of freedom times 1/n + 1/m (Yurdakul, 2018); three
    standard deviations are added to its mean.
    """
    free = max(len(data) - 1, 1)
    rows = 1 / max(data.sum(), 1) + 1 / max(other.sum(), 1)
    return float((free + 3 * math.sqrt(2 * free)) * rows)


def jensen_shannon_by_chance(data: np.ndarray, other: np.ndarray) -> float:
    """Returns the same of the divergence, which is 1 / (8 ln 2) of the index near 0."""
    return psi_by_chance(data, other) / (8 * math.log(2))


def _shares(rows: np.ndarray) -> np.ndarray:
    smoothed = rows + 0.5
    shares: np.ndarray = smoothed / smoothed.sum()
    return shares


def _number_bins(data: ColumnProfile, other: ColumnProfile) -> Counts:
    level = max(data.counts.level, other.counts.level)
    tables = [data.counts.at(level), other.counts.at(level)]
    if not tables[0].height:
        return np.zeros(1, np.int64), np.array([other.present])
    keys, rows = tables[0][KEY].to_numpy(), tables[0][ROWS].to_numpy()
    below = np.cumsum(rows)
    cuts = np.searchsorted(below, np.arange(1, NUM_BINS) / NUM_BINS * below[-1])
    edges = np.unique(keys[cuts])
    counted = [
        np.bincount(
            np.searchsorted(edges, table[KEY].to_numpy()),
            table[ROWS].to_numpy(),
            minlength=len(edges) + 1,
        )
        for table in tables
    ]
    return counted[0], counted[1]


def _category_bins(data: ColumnProfile, other: ColumnProfile) -> Counts:
    top = np.argsort(-data.buckets, kind="stable")[:NUM_CATEGORIES]
    first, second = data.buckets[top], other.buckets[top]
    return (
        np.append(first, data.buckets.sum() - first.sum()),
        np.append(second, other.buckets.sum() - second.sum()),
    )
