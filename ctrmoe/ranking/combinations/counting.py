"""Counts combinations, as many as fit into memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ctrmoe.ranking.combinations.choices import Batch, Combination
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.codes import Codes
from ctrmoe.ranking.combinations.passes import bytes_for_codes, passes, threads_within

R = TypeVar("R")
Function = Callable[[Combination], R]


def each_combination(
    reader: CodeReader,
    batches: Sequence[Batch],
    function_of: Callable[[Codes], Function[R]],
    memory: int,
    threads: int,
    on_done: Callable[[int], None] | None = None,
) -> dict[Combination, R]:
    """Applies a function to every combination.

    Args:
        reader: Of the categories.
        batches: The combinations, and the rows that they are counted on.
        function_of: Makes the function of the categories of the rows.
        memory: Most bytes of categories and counts.
        threads: Over the combinations; fewer where the counts would not fit.
        on_done: Called with the number of combinations that were just done.

    Raises:
        SchemaError: When the categories of one combination do not fit into memory.
    """
    every = [combination for batch in batches for combination in batch.combinations]
    threads = threads_within(memory, reader.rows, threads)
    widths = reader.widths(sorted({name for combination in every for name in combination}))
    capacity = bytes_for_codes(memory, reader.rows, threads)
    results: dict[Combination, R] = {}
    with ThreadPoolExecutor(threads) as pool:
        for names, chosen in passes(every, widths, capacity, memory):
            codes, wanted = reader.read(names), set(chosen)
            for batch in batches:
                function = function_of(_of_batch(codes, batch))
                of_batch = [c for c in batch.combinations if c in wanted]
                for combination, result in zip(of_batch, pool.map(function, of_batch), strict=True):
                    results[combination] = result
                    if on_done:
                        on_done(1)
                del function
            del codes  # before others are read
    return results


def _of_batch(codes: Codes, batch: Batch) -> Codes:
    if batch.of == 1:
        return codes
    return codes.of_rows(np.isin(np.arange(len(codes.labels)) % batch.of, batch.slices))
