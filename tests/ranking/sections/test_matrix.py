import numpy as np

from ctrmoe.ranking.sections.matrix import matrix_of, symmetric


def test_values_have_their_places_and_what_is_not_known_has_none():
    cells = [("a", 1, 0.5), ("b", 2, None), ("b", 1, -1.0), ("c", 1, 9.0), ("a", 3, 9.0)]

    matrix = matrix_of(cells, ["b", "a"], [1, 2])

    np.testing.assert_array_equal(matrix, [[-1.0, np.nan], [0.5, np.nan]])


def test_half_that_is_known_is_mirrored():
    matrix = np.array([[np.nan, 1.0], [np.nan, np.nan]])

    np.testing.assert_array_equal(symmetric(matrix), [[np.nan, 1.0], [1.0, np.nan]])
