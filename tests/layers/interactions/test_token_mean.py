import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.token_mean import TokenMean


@pytest.fixture
def query(random):
    return random.normal(size=(4, 2, 5)).astype("float32")


@pytest.fixture
def context(random):
    return random.normal(size=(4, 6, 5)).astype("float32")


@pytest.fixture
def keep():
    return np.arange(6) < np.array([[6], [3], [1], [0]])


def test_equals_the_mean_of_what_is_no_padding(query, context, keep, randomize):
    layer = TokenMean()
    layer(query, context, keep)
    weights = randomize(layer)

    expected = [
        references.token_mean(*row, weights) for row in zip(query, context, keep, strict=True)
    ]

    np.testing.assert_allclose(layer(query, context, keep), expected, rtol=1e-4, atol=1e-5)
    assert (np.asarray(layer(query, context, keep))[3] == 0).all()
    assert layer.count_params() == 25


def test_equal_weights(query, context, keep):
    layer = TokenMean()
    layer(query, context)

    weights = np.asarray(layer.attention(query, context, keep))

    assert weights.shape == (4, 1, 2, 6)
    np.testing.assert_allclose(weights[1, 0, 1], [1 / 3] * 3 + [0] * 3)
    np.testing.assert_allclose(layer.attention(query, context), np.full((4, 1, 2, 6), 1 / 6))
