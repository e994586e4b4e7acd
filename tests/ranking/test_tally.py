from collections import Counter

import numpy as np
import pytest

from ctrmoe.ranking.tally import CELLS, Tally, joined


def plain(keys, cells):
    counted = Counter(zip(keys.tolist(), cells.tolist(), strict=True))
    distinct = sorted(set(keys.tolist()))
    return distinct, [[counted[key, cell] for cell in range(CELLS)] for key in distinct]


@pytest.mark.parametrize("span", [7, 10**6, 2**61 - 1], ids=["counted", "sorted", "widest"])
def test_counts_of_rows(span):
    random = np.random.default_rng(1)
    keys = random.integers(-span // 2, span // 2, 500)
    keys[::3] = keys[0]
    cells = random.integers(0, CELLS, 500)

    tally = Tally.of_rows(keys.copy(), cells)

    distinct, counts = plain(keys, cells)
    assert tally.keys.tolist() == distinct
    assert tally.counts.tolist() == counts


def test_joined_counts_are_those_of_all_rows():
    random = np.random.default_rng(2)
    keys, cells = random.integers(0, 90, 600), random.integers(0, CELLS, 600)

    parts = [Tally.of_rows(keys[i::3], cells[i::3]) for i in range(3)]

    whole = Tally.of_rows(keys, cells)
    found = joined(parts)
    assert found.keys.tolist() == whole.keys.tolist()
    assert found.counts.tolist() == whole.counts.tolist()


def test_no_rows():
    empty = Tally.of_rows(np.zeros(0, np.int64), np.zeros(0, np.int64))

    assert len(empty) == len(joined([])) == len(joined([empty, empty])) == 0
