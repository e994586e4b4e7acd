import numpy as np
import pytest

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.keys import MISSING_KEY, Keys


def test_counts_by_value_half_and_label(counted):
    table = counted([7, 7, 3, 7, MISSING_KEY, 3], [1, 0, 1, 1, 0, -1])

    # Rows 0, 2, 4 are the first half; the last row has no label.
    assert table.counts.tolist() == [[[0, 1], [0, 0]], [[0, 1], [1, 1]], [[1, 0], [0, 0]]]
    assert table.label_counts.tolist() == [[0, 1], [1, 2], [1, 0]]
    assert table.rows.tolist() == [[1, 2], [1, 1]]
    assert table.cardinality == 2
    assert table.coverage == pytest.approx(0.8)


def test_list_counts_a_row_for_each_of_its_values(counted):
    keys = Keys(np.array([1, 2, 2, MISSING_KEY]), np.array([0, 0, 1, 2]))

    table = counted(keys, [1, 0, 1], kind="list")

    assert table.label_counts.tolist() == [[0, 1], [1, 1], [0, 1]]
    assert table.rows.sum() == 3
    assert table.values_per_row == pytest.approx((4 + 1 + 1) / 4)
    assert table.coverage == pytest.approx(2 / 3)


def test_number_is_binned_by_quantiles(counted):
    keys = np.repeat(np.arange(100), 10)

    table = counted(keys, np.arange(1000) % 2, kind="number", buckets=4)

    assert table.label_counts.sum(axis=1).tolist() == [250, 250, 250, 250]
    assert table.cardinality == 100


def test_frequent_number_is_a_bin_of_its_own(counted):
    table = counted([0] * 900 + list(range(1, 101)), [0, 1] * 500, kind="number", buckets=10)

    sizes = table.label_counts.sum(axis=1)
    assert sizes[0] == 900
    assert len(sizes) == 10
    assert set(sizes[1:]) <= {11, 12}  # the others are divided as if there were no zeros


def test_merged_tables_are_the_table_of_all_rows(counted):
    random = np.random.default_rng(5)
    keys, labels = random.integers(0, 3_000, 4_000), random.integers(-1, 2, 4_000)
    keys[::50] = MISSING_KEY

    parts = counted(keys[:1_000], labels[:1_000], max_values=1024)
    parts.merge(counted(keys[1_000:], labels[1_000:], max_values=1024))

    whole = counted(keys, labels, max_values=1024)
    assert parts.counts.tolist() == whole.counts.tolist()
    assert parts.rows.tolist() == whole.rows.tolist()
    assert parts.cardinality == whole.cardinality == len(np.unique(keys[labels >= 0])) - 1
    assert not parts.is_exact
    assert not parts.has_order


def test_table_of_no_rows():
    table = ContingencyTable()

    assert table.counts.shape == (0, 2, 2)
    assert table.cardinality == table.coverage == 0


def test_table_of_known_counts_is_the_counted_one(counted):
    keys, labels = [0, 1, 2, 2, 1, 2], [0, 1, 1, 0, 0, 1]
    table = counted(keys, labels)

    same = ContingencyTable.of_counts(table.counts)

    assert np.array_equal(same.counts, table.counts)
    assert np.array_equal(same.rows, table.rows)
    assert same.cardinality == 3


def test_counts_by_key_leave_out_missing_values(counted):
    table = counted([5, -2, 5, MISSING_KEY, MISSING_KEY], [1, 0, 0, 1, 1])

    keys, counts = table.keyed_counts
    assert keys.tolist() == [-2, 5]
    assert counts.tolist() == [[1, 0], [1, 1]]
    assert table.missing_counts.tolist() == [0, 2]


def test_keys_that_share_buckets_are_counted_under_theirs(counted):
    keys = np.arange(5_000)
    table = counted(keys, keys % 2, max_values=1_024)

    buckets, counts = table.keyed_counts
    assert set(table.coarse(keys).tolist()) == set(buckets.tolist())
    assert counts.sum() == 5_000
