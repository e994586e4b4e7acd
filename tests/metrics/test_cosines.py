import numpy as np
import pytest

from ctrmoe.metrics.cosines import cosines, mean_cosine

VECTORS = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 0.0], [-3.0, 0.0]], np.float32)


def test_cosines_by_hand():
    half = np.sqrt(0.5)

    expected = [[1, half, 0, -1], [half, 1, 0, -half], [0, 0, 0, 0], [-1, -half, 0, 1]]
    np.testing.assert_allclose(cosines(VECTORS), expected, atol=1e-7)


def test_mean_is_that_of_different_rows():
    assert mean_cosine(VECTORS[[0, 1]]) == pytest.approx(np.sqrt(0.5))
    assert mean_cosine(VECTORS[[0, 1, 3]]) == pytest.approx(-1 / 3)
    assert mean_cosine(VECTORS[:1]) == 0
