import numpy as np

from ctrmoe.ranking.keys import MISSING_KEY, Keys
from ctrmoe.ranking.surrogates.categories import Categories


def test_keys_are_numbered_with_the_missing_ones():
    found = Categories.of_keys(Keys(np.array([70, MISSING_KEY, -3, 70])))

    assert (found.codes.tolist(), found.count, found.is_ordered) == ([2, 0, 1, 2], 3, False)


def test_numbers_are_binned_and_missing_ones_are_the_first_bin():
    keys = np.append(np.arange(100), [MISSING_KEY] * 50)

    found = Categories.of_keys(Keys(keys), bins=4)

    assert found.is_ordered
    assert np.bincount(found.codes).tolist() == [50, 25, 25, 25, 25]
    assert (np.diff(found.codes[:100]) >= 0).all()


def test_numbers_that_are_all_missing_are_one_bin():
    found = Categories.of_keys(Keys(np.full(3, MISSING_KEY)), bins=4)

    assert (found.codes.tolist(), found.count) == ([0, 0, 0], 1)


def test_one_hot_rows_of_lists_have_several_ones():
    matrix = Categories(np.array([0, 1, 1]), 2, np.array([0, 0, 2])).one_hot(3)

    assert matrix.toarray().tolist() == [[1, 1], [0, 0], [0, 1]]


def test_rare_categories_are_taken_together():
    found = Categories(np.array([3, 3, 3, 0, 0, 1, 2]), 4).frequent(3)

    assert found.tolist() == [0, 0, 0, 1, 1, 2, 2]
