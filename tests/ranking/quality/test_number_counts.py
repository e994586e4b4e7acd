import numpy as np

from ctrmoe.ranking.quality.number_counts import key_numbers, number_keys


def test_number_keys_keep_the_order():
    numbers = np.array([-np.inf, -1e300, -2.5, -1e-300, 0.0, 1e-300, 1.0, 2.5, 1e300, np.inf])

    keys = number_keys(numbers)

    assert (np.diff(keys.astype(object)) > 0).all()
    np.testing.assert_array_equal(key_numbers(keys), numbers)
    assert number_keys(np.array([-0.0])) == number_keys(np.array([0.0]))
