"""Threads over the columns of a chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

T = TypeVar("T")
R = TypeVar("R")

PARALLEL_ROWS = 8_192
"""Chunks of fewer rows are not worth a thread a column."""


def parallel_map(function: Callable[[T], R], items: Iterable[T], rows: int) -> list[R]:
    """Maps in threads (polars and NumPy release the lock), in order."""
    if rows < PARALLEL_ROWS:
        return list(map(function, items))
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return list(pool.map(function, items))
