import keras
import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.dot_product import DotProduct


def test_equals_the_products_of_all_pairs(random):
    x = random.normal(size=(4, 5, 3)).astype("float32")

    out = np.asarray(DotProduct()(x))

    expected = [[row[i] @ row[j] for i in range(5) for j in range(i)] for row in x]
    np.testing.assert_allclose(out[:, 0], expected, rtol=1e-5, atol=1e-6)
    products = references.inner_products(x.astype("float64"))
    np.testing.assert_allclose(np.sort(out[:, 0]), np.sort(products), rtol=1e-5, atol=1e-6)


def test_token_and_products_by_hand():
    x = np.array([[[1, 2], [3, 4], [5, 6]]], "float32")

    out = DotProduct(self_interaction=True, kept_token=1)(x)

    # The token kept; then 1·1, 2·1, 2·2, 3·1, 3·2, 3·3.
    np.testing.assert_array_equal(out, [[[3, 4, 5, 11, 25, 17, 39, 61]]])


def test_one_token_is_kept_without_products():
    x = np.array([[[1, 2]]], "float32")

    np.testing.assert_array_equal(DotProduct(kept_token=0)(x), x)


def test_has_no_weights():
    layer = DotProduct(kept_token=2)
    layer.build((None, 3, 2))

    assert layer.weights == []


@pytest.mark.parametrize(
    ("options", "fields", "message"),
    [
        ({}, 1, r"two tokens at least, or `self_interaction`. Received: input shape \(None, 1, 2"),
        ({"kept_token": 3}, 3, "`kept_token` must be the number of a token .* kept_token=3"),
        ({"kept_token": -1}, 3, "`kept_token` must be the number of a token .* kept_token=-1"),
    ],
)
def test_input_that_does_not_fit(options, fields, message):
    with pytest.raises(ValueError, match=message):
        DotProduct(**options).build((None, fields, 2))


def test_config_round_trip():
    layer = DotProduct(self_interaction=True, kept_token=1, name="dots")

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config()
