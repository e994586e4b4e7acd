"""Computes the items of an iterator ahead of their use, in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, cast

T = TypeVar("T")


def ahead(items: Iterable[T], count: int = 2) -> Iterator[T]:
    """Iterates over `items` while a thread computes the next `count` of them.

    An error of the iterator is raised here, at its place in the order.
    """
    iterator, end = iter(items), object()
    with ThreadPoolExecutor(1) as thread:
        pending: deque[Future[object]] = deque(
            thread.submit(next, iterator, end) for _ in range(count)
        )
        while (item := pending.popleft().result()) is not end:
            pending.append(thread.submit(next, iterator, end))
            yield cast(T, item)
