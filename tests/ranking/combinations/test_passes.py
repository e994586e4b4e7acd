from itertools import combinations

import pytest

from ctrmoe.ranking.combinations.passes import bytes_for_codes, passes, threads_within
from ctrmoe.schema import SchemaError

WIDTHS = {name: 10 for name in "abcdefghij"}


def test_one_pass_where_all_fits():
    every = list(combinations(WIDTHS, 2))

    assert passes(every, WIDTHS, 100, 100) == [(list(WIDTHS), every)]


@pytest.mark.parametrize(("order", "capacity"), [(2, 40), (2, 20), (3, 60)])
def test_every_combination_once_with_features_that_fit(order, capacity):
    every = list(combinations(WIDTHS, order))

    parts = passes(every, WIDTHS, capacity, capacity)

    assert sorted(c for _, chosen in parts for c in chosen) == every
    for names, chosen in parts:
        assert sum(WIDTHS[name] for name in names) <= capacity
        assert {name for combination in chosen for name in combination} == set(names)
    assert len(parts) < len(every) or capacity == 20


def test_features_too_long_for_the_memory():
    with pytest.raises(SchemaError, match="`memory` must be at least .* GiB to combine 2 features"):
        passes([("a", "b")], WIDTHS, 15, 1 << 30)


def test_threads_take_half_of_the_memory_at_most():
    assert threads_within(1 << 30, 1_000, 8) == 8
    assert threads_within(1 << 30, 2_000_000, 8) == 2
    assert threads_within(1 << 30, 1 << 40, 8) == 1
    assert bytes_for_codes(1 << 30, 2_000_000, 2) > 1 << 29
