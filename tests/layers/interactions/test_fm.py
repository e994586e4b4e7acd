import keras
import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.fm import FM


@pytest.fixture
def x(random):
    return random.normal(size=(4, 5, 3)).astype("float32")


def test_equals_the_sum_over_pairs(x):
    out = FM()(x)

    assert out.shape == FM().compute_output_shape(x.shape) == (4, 1, 3)
    np.testing.assert_allclose(out[:, 0], references.fm(x), rtol=1e-4, atol=1e-5)


def test_one_field_has_no_products(x):
    np.testing.assert_allclose(FM()(x[:, :1]), np.zeros((4, 1, 3)), atol=1e-6)


def test_fields_in_another_order_give_the_same(x):
    np.testing.assert_allclose(FM()(x[:, [3, 0, 4, 2, 1]]), FM()(x), rtol=1e-4, atol=1e-5)


def test_row_does_not_depend_on_other_rows(x):
    alone = np.concatenate([FM()(x[i : i + 1]) for i in range(4)])

    np.testing.assert_allclose(alone, FM()(x), rtol=1e-6)


def test_config_round_trip(x):
    layer = FM(name="second_order", dtype="mixed_float16")

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(x), layer(x))
