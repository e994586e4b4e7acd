import numpy as np
import pytest

from ctrmoe.ranking.value_counts import ValueCounts


def counted(parts, ordered, max_values):
    counts = ValueCounts(ordered, max_values)
    for part in parts:
        counts.add(part, part & 3)
    return counts


def test_exact_up_to_the_bound():
    counts = counted([np.arange(64), np.arange(64)], ordered=False, max_values=64)

    assert counts.level == 0
    assert counts.settled().keys.tolist() == list(range(64))
    assert counts.settled().counts.sum() == 128
    assert counts.distinct == 64


@pytest.mark.parametrize("ordered", [True, False])
def test_same_counts_however_the_rows_are_divided(ordered):
    keys = np.random.default_rng(3).integers(0, 5_000, 20_000)
    whole = counted([keys], ordered, 256)
    chunks = counted(np.array_split(keys[::-1], 13), ordered, 256)
    first, second = counted([keys[:300]], ordered, 256), counted([keys[300:]], ordered, 256)
    third, fourth = counted([keys[300:]], ordered, 256), counted([keys[:300]], ordered, 256)

    first.settled()
    first.merge(second)
    third.merge(fourth)

    expected = whole.settled()
    assert len(expected) <= 256
    assert whole.level > 0
    assert whole.distinct == len(np.unique(keys))
    for other in (chunks, first, third):
        assert other.settled().keys.tolist() == expected.keys.tolist()
        assert other.settled().counts.tolist() == expected.counts.tolist()
        assert other.distinct == whole.distinct


def test_merge_of_exact_counts_that_exceed_the_bound_together():
    left = counted([np.arange(200)], False, 256)

    left.merge(counted([np.arange(150, 350)], False, 256))

    whole = counted([np.arange(200), np.arange(150, 350)], False, 256)
    assert left.settled().counts.tolist() == whole.settled().counts.tolist()
    assert left.distinct == 350


def test_coarse_numbers_keep_their_order():
    counts = counted([np.arange(-1000, 1000)], True, 256)

    assert counts.settled().keys.tolist() == list(range(-125, 125))
    assert counts.level == 3
