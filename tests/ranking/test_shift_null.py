import math

import numpy as np
import pytest
import references

from ctrmoe.ranking.shift_null import ShiftNull, shifted_information

Y = [1, 0, 0, 0, 1, 1, 1, 0]
# What OutRank 0.97.5 returns for these columns.
GOLDEN = {
    "itself": (Y, Y, 0.693147),
    "reversed": ([1 - y for y in Y], Y, 0.693147),
    "medium": ([1, 1, 0, 0, 1, 1, 1, 1], Y, 0.042475),
    "high": ([1, 0, 0, 0, 1, 1, 1, 1], Y, 0.107881),
    "constant": ([0] * 8, Y, 0.0),
    "unique ids": (range(8), Y, 0.0),
    "three values": ([0, 0, 1, 1, 2, 2, 0, 1, 2, 2, 1, 0], [0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0], 0),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_numbers_of_outrank(name):
    codes, labels, expected = GOLDEN[name]

    found = shifted_information(np.array(codes), np.array(labels))

    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("cardinality", [2, 30, 900])
def test_the_definition_row_by_row(cardinality):
    random = np.random.default_rng(cardinality)
    codes = np.unique(random.integers(0, cardinality, 700), return_inverse=True)[1]
    labels = random.integers(0, 2, 700)

    expected = references.shifted_information(codes.tolist(), labels.tolist())

    assert shifted_information(codes, labels) == pytest.approx(expected, abs=1e-12)


def test_median_over_mini_batches():
    random, null = np.random.default_rng(1), ShiftNull()
    single = []
    for _ in range(5):
        keys, labels = random.integers(0, 9, 400), random.integers(0, 2, 400)
        null.add(keys, labels)
        single.append(shifted_information(keys, labels))

    value, std, p_value = null.estimate()

    assert value == np.median(single)
    assert std == pytest.approx(1.2533 * np.std(single, ddof=1) / 5**0.5)
    assert 0 < p_value < 1


def test_rows_without_a_label_do_not_count():
    null = ShiftNull()

    null.add(np.array([1, 5, 1, 0, 0, 0, 1, 1, 1, 1]), np.array([1, -1, 0, 0, 0, -1, 1, 1, 1, 0]))

    value, std, p_value = null.estimate()
    assert value == pytest.approx(0.042475, abs=1e-6)
    assert math.isnan(std)
    assert math.isnan(p_value)
