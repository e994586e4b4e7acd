import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctrmoe.data.bins import bin_starts


def test_few_values_have_a_bin_each():
    assert bin_starts(np.array([900, 1, 5]), 3).tolist() == [0, 1, 2]
    assert bin_starts(np.array([], np.int64), 3).tolist() == []


def test_values_of_equal_rows_are_divided_equally():
    assert bin_starts(np.ones(12, np.int64), 4).tolist() == [0, 3, 6, 9]


def test_a_frequent_value_takes_one_bin_and_no_share_of_the_others():
    rows = np.array([900, *[1] * 100])

    starts = bin_starts(rows, 11)

    assert starts.tolist() == [0, 1, *range(11, 101, 10)]


def test_a_frequent_value_between_others_has_a_bin_alone():
    rows = np.array([*[1] * 10, 100, *[1] * 40])

    starts = bin_starts(rows, 8).tolist()

    assert starts == [0, 5, 10, 11, 19, 27, 35, 43]


def test_a_value_that_is_frequent_among_the_rest_has_a_bin_alone():
    rows = np.array([10_000, *[1] * 10, 50, *[1] * 10])

    starts = bin_starts(rows, 8).tolist()

    assert {0, 1, 11, 12} <= set(starts)


def test_parts_of_a_value_are_added():
    rows = np.array([[1, 1], [50, 50], [1, 0], [0, 1], [60, 40]])

    assert bin_starts(rows, 2).tolist() == bin_starts(rows.sum(axis=1), 2).tolist() == [0, 2]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=80), st.integers(1, 40))
def test_bins_are_distinct_and_no_more_than_asked(rows, bins):
    starts = bin_starts(np.array(rows), bins)

    assert starts[0] == 0
    assert len(starts) <= bins
    assert (np.diff(starts) > 0).all()
    assert starts[-1] < len(rows)


@pytest.mark.parametrize("seed", range(5))
def test_no_bin_but_that_of_a_frequent_value_is_much_above_its_share(seed):
    """An oracle: besides values with two shares, a bin holds at most the rows of two."""
    rows = np.random.default_rng(seed).zipf(1.5, 500) % 5_000 + 1

    starts = bin_starts(rows, 32)

    sizes = np.add.reduceat(rows, starts)
    widths = np.diff([*starts, len(rows)])
    assert len(starts) >= 16
    assert sizes[widths > 1].max() <= 2 * rows.sum() / 32
