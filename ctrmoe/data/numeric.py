"""Numeric features: what is counted of the training part, and how a number is transformed.

A number is rounded to float32, clipped to [lower, upper], the 1e-5 and 1 - 1e-5 quantiles of the
training part, then transformed by a formula of `transforms`; results are clipped to ±1e6. Bounds
and formulas are computed in float64, the result is stored as float32.
A missing number (null, NaN, infinite) is NaN, which the model reads as a flag.
`quantile` gives the id 3 + (number of edges <= x): 0 is padding, 1 missing, 2 never given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.bins import bin_starts
from ctrmoe.schema import MISSING, UNKNOWN, Feature
from ctrmoe.transforms import FORMULAS

BIN_BITS = 12
"""Low bits of a float32 that a bin of the counter leaves open: 2^20 bins, 0.05 % wide."""
CLIPPED_SHARE = 1e-5
QUANTILES = 64
"""Equal shares of the training part whose bounds are kept of a feature that is read as a number."""
LIMIT = 1e6

_LOW = np.uint32((1 << BIN_BITS) - 1)
_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True, slots=True)
class NumericStatistics:
    """What the training part says about a numeric feature.

    Args:
        lower: Smaller numbers are clipped to it.
        upper: Larger numbers are clipped to it.
        mean: Mean of the clipped numbers.
        std: Standard deviation of the clipped numbers.
        edges: Lower bounds of the second to the last bucket of `quantile`.
        quantiles: Of a feature that is read as a number, the transformed numbers that divide it
            into `QUANTILES` equal shares, from the least to the greatest.
    """

    lower: float = 0.0
    upper: float = 0.0
    mean: float = 0.0
    std: float = 1.0
    edges: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> NumericStatistics:
        """Inverts `dataclasses.asdict`, JSON in between; early records have no quantiles."""
        lists = {key: tuple(table.get(key, ())) for key in ("edges", "quantiles")}
        return cls(**{**table, **lists})

    def transform(self, feature: Feature, numbers: np.ndarray) -> np.ndarray:
        """Transforms float32 numbers: float32 values, or the int32 ids of `quantile`."""
        # The bounds are float32 numbers too: clipping needs no more than that.
        clipped = np.clip(numbers, np.float32(self.lower), np.float32(self.upper))
        if feature.transform == "quantile":
            ids = UNKNOWN + 1 + np.searchsorted(self.edges, clipped, side="right")
            ids[np.isnan(clipped)] = MISSING
            return ids.astype(np.int32)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            formula = FORMULAS[feature.transform]
            result = formula(np, clipped.astype(np.float64), self, feature.truncate)
        result[~np.isfinite(result) | np.isnan(clipped)] = np.nan
        result[np.abs(result) < np.finfo(np.float32).tiny] = 0  # as TensorFlow does
        return np.clip(result, -LIMIT, LIMIT).astype(np.float32)


class NumberCounter:
    """Counts numbers in 2^20 bins that share the leading bits of their float32.

    The counts are whole numbers, so the statistics do not depend on the order of the rows or on
    how counters of parts are merged. Inside a bin float32 numbers are equally spaced: the sums of
    their offsets and of the offsets' squares give mean and deviation without rounding.

    Args:
        moments: Whether mean and deviation are asked for; they take twice as much memory again.
    """

    def __init__(self, moments: bool = True) -> None:
        self._counts = np.zeros(1 << (32 - BIN_BITS), np.int64)
        self._offsets = np.zeros(len(self._counts) if moments else 0, np.int64)
        self._squares = np.zeros_like(self._offsets)
        self._lowest, self._highest = np.uint32(0xFFFFFFFF), np.uint32(0)

    @property
    def total(self) -> int:
        """How many numbers were counted."""
        return int(self._counts.sum())

    def add(self, numbers: np.ndarray) -> None:
        """Counts the finite ones of what `columns.numbers` returns."""
        keys = _keys(numbers[np.isfinite(numbers)])
        if not len(keys):
            return
        self._lowest = min(self._lowest, keys.min())
        self._highest = max(self._highest, keys.max())
        bins = keys >> BIN_BITS
        np.add.at(self._counts, bins, 1)
        if len(self._offsets):
            offsets = (keys & _LOW).astype(np.int64)
            np.add.at(self._offsets, bins, offsets)
            np.add.at(self._squares, bins, offsets * offsets)

    def merge(self, other: NumberCounter) -> None:
        """Adds the counts of another counter."""
        self._counts += other._counts
        self._offsets += other._offsets
        self._squares += other._squares
        self._lowest = min(self._lowest, other._lowest)
        self._highest = max(self._highest, other._highest)

    def statistics(self, buckets: int) -> NumericStatistics:
        """Returns the statistics of the numbers counted, with the edges of so many buckets."""
        used = np.flatnonzero(self._counts)
        if not len(used):
            return NumericStatistics()
        below = np.cumsum(self._counts[used])
        total = int(below[-1])
        starts = used.astype(np.uint32) << np.uint32(BIN_BITS)
        first = int(np.searchsorted(below, CLIPPED_SHARE * total, side="right"))
        last = int(np.searchsorted(below, (1 - CLIPPED_SHARE) * total))
        lower, upper = _floats(
            np.array([max(starts[first], self._lowest), min(starts[last] | _LOW, self._highest)])
        )
        mean, std = 0.0, 1.0
        if len(self._offsets):
            mean, std = self._moments(used[first : last + 1], below, (first, last), (lower, upper))
        edges = _floats(starts[bin_starts(self._counts[used], buckets)[1:]])
        return NumericStatistics(
            float(lower), float(upper), mean, std or 1.0, tuple(map(float, edges))
        )

    def quantiles(self, transform: Callable[[np.ndarray], np.ndarray]) -> tuple[float, ...]:
        """Returns the quantiles of transformed numbers; where there is no number, zeros.

        Args:
            transform: Takes and returns float32 numbers, in whatever order; NaN is missing.
        """
        used = np.flatnonzero(self._counts)
        if not len(used):
            return (0.0,) * (QUANTILES + 1)
        starts = _floats(used.astype(np.uint32) << np.uint32(BIN_BITS))
        values, counts = transform(starts.astype(np.float32)), self._counts[used]
        present = ~np.isnan(values)
        if not present.any():
            return (0.0,) * (QUANTILES + 1)
        values, counts = values[present], counts[present]
        order = np.argsort(values, kind="stable")
        below = np.cumsum(counts[order])
        shares = np.arange(QUANTILES + 1) * below[-1] / QUANTILES
        return tuple(values[order][np.searchsorted(below, shares)].tolist())

    def _moments(
        self,
        bins: np.ndarray,
        below: np.ndarray,
        ends: tuple[int, int],
        bounds: tuple[float, float],
    ) -> tuple[float, float]:
        """Returns mean and deviation of the numbers with those outside of `ends` clipped."""
        total = int(below[-1])
        under = int(below[ends[0] - 1]) if ends[0] else 0
        over = total - int(below[ends[1]])
        keys = bins.astype(np.uint32) << np.uint32(BIN_BITS)
        starts = _floats(keys)
        steps = _floats(keys + np.uint32(1)) - starts
        counts, offsets, squares = (
            sums[bins].astype(np.float64) for sums in (self._counts, self._offsets, self._squares)
        )
        clipped = (under * bounds[0], over * bounds[1])
        mean = math.fsum((*(counts * starts + steps * offsets), *clipped)) / total
        gaps = starts - mean
        parts = counts * gaps**2 + 2 * gaps * steps * offsets + steps**2 * squares
        clipped = (under * (bounds[0] - mean) ** 2, over * (bounds[1] - mean) ** 2)
        variance = max(math.fsum((*parts, *clipped)) / total, 0.0)
        return _rounded(mean), _rounded(math.sqrt(variance))


def _keys(numbers: np.ndarray) -> np.ndarray:
    """Maps float32 numbers to uint32 keys of the same order."""
    bits = (numbers.astype(np.float32, copy=False) + np.float32(0)).view(np.uint32)  # no -0.0
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _floats(keys: np.ndarray) -> np.ndarray:
    """Inverts `_keys`, in float64."""
    bits = np.where(keys & _SIGN, keys & ~_SIGN, ~keys).astype(np.uint32)
    return bits.view(np.float32).astype(np.float64)


def _rounded(number: float) -> float:
    return float(f"{number:.9g}")


@dataclass(slots=True)
class NoNumbers:
    """Texts of a numeric feature that are no numbers.

    Args:
        count: Their number.
        first: The first of them.
    """

    count: int = 0
    first: str = ""

    def add(self, texts: pl.Series) -> None:
        """Counts those texts that are neither numbers nor missing."""
        texts = texts.str.strip_chars()
        texts = texts.filter((texts != "") & texts.cast(pl.Float64, strict=False).is_null())
        if len(texts):
            self.count, self.first = self.count + len(texts), self.first or texts[0]
