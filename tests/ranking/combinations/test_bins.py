import numpy as np

from ctrmoe.ranking.combinations.bins import BINS, bins_of
from ctrmoe.ranking.keys import number_keys


def test_bins_start_with_their_least_numbers(counted):
    random = np.random.default_rng(3)
    numbers = random.normal(size=4_000).astype(np.float32)
    table = counted(number_keys(numbers), numbers > 0, "number", buckets=10)
    user = counted(np.arange(10) % 3, np.arange(10) % 2)

    bins = bins_of("click", "price", table)

    assert bins.schema == bins_of("click", "user", user).schema == BINS
    assert not len(bins_of("click", "user", user))
    assert bins.select("task", "feature").unique().rows() == [("click", "price")]
    assert bins["bin"].to_list() == list(range(10))
    edges = bins["lower"].to_numpy()
    assert edges[0] == numbers.min()
    found = np.searchsorted(edges[1:], numbers, side="right")
    assert np.array_equal(found, table.encoder().codes(number_keys(numbers)))


def test_bins_of_rounded_numbers_start_below_all_of_them(counted):
    numbers = np.random.default_rng(3).normal(size=6_000).astype(np.float32)
    table = counted(number_keys(numbers), numbers > 0, "number", buckets=10, max_values=1 << 10)

    edges = bins_of("click", "price", table)["lower"].to_numpy()

    assert not table.is_exact
    found = np.searchsorted(edges[1:], numbers, side="right")
    assert np.array_equal(found, table.encoder().codes(number_keys(numbers)))


def test_formula_that_joins_numbers_far_apart_has_no_ranges(counted):
    numbers = np.array([-2, -1, 0, 1, 2], np.float32)
    table = counted(number_keys(numbers), np.arange(5) % 2, "number")

    assert not len(bins_of("click", "size", table.mapped(np.abs(numbers))))
    assert bins_of("click", "p", table.mapped(-numbers))["lower"].to_list() == numbers.tolist()
    roots = table.mapped(np.sqrt(numbers, where=numbers >= 0, out=np.full(5, np.nan, np.float32)))
    assert bins_of("click", "root", roots)["lower"].to_list() == [-2, 0, 1, 2]
