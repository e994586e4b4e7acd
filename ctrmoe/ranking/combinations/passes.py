"""Which features are held in memory together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ctrmoe.ranking.combinations.choices import Combination
from ctrmoe.ranking.memory import gibibytes
from ctrmoe.schema import SchemaError

BYTES_PER_WORKING_ROW = 120
"""What counting a combination takes at most, by row and thread: measured where all are distinct."""
BYTES_PER_LABEL = 1


def threads_within(memory: int, rows: int, threads: int) -> int:
    """Returns how many threads may count at once: those that half of the memory is enough for."""
    return max(1, min(threads, memory // 2 // max(rows * BYTES_PER_WORKING_ROW, 1)))


def bytes_for_codes(memory: int, rows: int, threads: int) -> int:
    """Returns what is left for categories beside what the threads take."""
    return memory - rows * (threads * BYTES_PER_WORKING_ROW + BYTES_PER_LABEL)


def passes(
    combinations: Iterable[Combination], widths: Mapping[str, int], capacity: int, memory: int
) -> list[tuple[list[str], list[Combination]]]:
    """Divides combinations so that the features of each part fit into memory together.

    The features are divided into blocks of which as many fit as a combination has members; a part
    is made of the combinations whose features come from the same blocks. Smaller sets of blocks
    go along with larger ones.

    Args:
        combinations: The combinations.
        widths: Bytes of each feature's categories, over all rows.
        capacity: Bytes that there are for them.
        memory: The whole budget, for the message.

    Returns:
        The features to read, in order, and the combinations that they are read for.

    Raises:
        SchemaError: When not even one combination fits.
    """
    combinations = list(combinations)
    order = max(map(len, combinations), default=1)
    block = _blocks(widths, capacity, 1 if sum(widths.values()) <= capacity else order, memory)
    parts: dict[frozenset[int], list[Combination]] = {}
    for combination in combinations:
        parts.setdefault(frozenset(block[name] for name in combination), []).append(combination)
    result: dict[frozenset[int], list[Combination]] = {}
    for blocks in sorted(parts, key=len, reverse=True):
        larger = next((known for known in result if blocks <= known), blocks)
        result.setdefault(larger, []).extend(parts[blocks])
    return [(_names(chosen, widths), chosen) for chosen in result.values()]


def _names(combinations: Sequence[Combination], widths: Mapping[str, int]) -> list[str]:
    used = {name for combination in combinations for name in combination}
    return [name for name in widths if name in used]


def _blocks(widths: Mapping[str, int], capacity: int, together: int, memory: int) -> dict[str, int]:
    """Returns the block of each feature; `together` of the blocks fit at once."""
    largest, block, used, number = capacity // together, {}, 0, 0
    for name, width in widths.items():
        if width > largest:
            missing = (width - largest) * together
            raise SchemaError(
                f"`memory` must be at least {gibibytes(memory + missing)} GiB to combine "
                f"{together} features of so many rows. Received: {gibibytes(memory)} GiB. Raise "
                "it, or rank fewer rows."
            )
        if used + width > largest:
            number, used = number + 1, 0
        block[name] = number
        used += width
    return block
