import numpy as np
import pytest

from ctrmoe.layers.routing.k_means_plus_plus import candidates_of, k_means_plus_plus


def draws(random, count):
    return random.random((count, candidates_of(count))).astype("float32")


def test_each_blob_gets_a_centre(random):
    places = 10 * np.eye(5)
    for _ in range(5):
        rows = np.repeat(places, 20, axis=0) + random.normal(size=(100, 5))

        centres = k_means_plus_plus(rows.astype("float32"), 5, draws(random, 5))

        assert sorted(np.argmax(centres, axis=1)) == [0, 1, 2, 3, 4]


def test_centres_are_rows_that_differ(random):
    rows = random.normal(size=(6, 3)).astype("float32")

    centres = np.asarray(k_means_plus_plus(rows, 6, draws(random, 6)))

    assert sorted(map(tuple, centres)) == sorted(map(tuple, rows))


def test_first_centre_is_any_row(random):
    rows = np.arange(4, dtype="float32")[:, None]
    firsts = [k_means_plus_plus(rows, 1, draws(random, 1))[0, 0] for _ in range(200)]

    counts = np.bincount(np.array(firsts, "int32"), minlength=4)
    assert counts.min() > 30


@pytest.mark.parametrize("rows", [np.ones((5, 2), "float32"), np.zeros((1, 2), "float32")])
def test_equal_rows_are_chosen_again(random, rows):
    centres = k_means_plus_plus(rows, 3, draws(random, 3))

    np.testing.assert_array_equal(centres, np.repeat(rows[:1], 3, axis=0))
