import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import Field
from ctrmoe.layers.numeric.linear import NumericEmbedding

NAN = float("nan")


@pytest.fixture
def layer(randomize):
    layer = NumericEmbedding(3)
    layer.build((None, 2))
    randomize(layer)
    return layer


def test_equals_the_equations(layer):
    x = np.array([[0.5, -2.0], [NAN, 3.0], [1e6, NAN]], "float32")
    fields = [Field(name=name, kind="numeric") for name in "ab"]

    expected = references.feature_embedding(
        fields, {"values": x}, {}, layer.vectors.numpy(), layer.missing.numpy()
    )

    np.testing.assert_allclose(layer(x), expected, rtol=1e-6)


def test_twice_the_number_is_twice_the_token(layer):
    x = np.array([[0.3, -7.0], [11.0, 1e-3]], "float32")

    np.testing.assert_array_equal(layer(2 * x), 2 * np.asarray(layer(x)))


def test_zero_is_the_zero_token(layer):
    np.testing.assert_array_equal(layer(np.zeros((1, 2), "float32")), np.zeros((1, 2, 3)))


def test_missing_is_a_token_of_its_own(layer):
    token = np.asarray(layer(np.array([[NAN, 1.0]], "float32")))[0]

    np.testing.assert_array_equal(token, [layer.missing[0], layer.vectors[1]])


def test_gradients_are_finite_where_numbers_are_missing(layer):
    x = np.array([[NAN, 2.0], [3.0, NAN], [NAN, 5.0]], "float32")

    with tf.GradientTape() as tape:
        total = keras.ops.sum(layer(x))
    vectors, missing = tape.gradient(total, [layer.vectors.value, layer.missing.value])

    np.testing.assert_array_equal(vectors, [[3.0] * 3, [7.0] * 3])
    np.testing.assert_array_equal(missing, [[2.0] * 3, [1.0] * 3])


def test_vectors_start_different():
    layer = NumericEmbedding(3, initializer=keras.initializers.RandomNormal())
    layer.build((None, 2))

    rows = np.concatenate([layer.vectors, layer.missing])

    assert len(np.unique(rows)) == rows.size


def test_mixed_precision_rounds_neither_number_nor_vector():
    third = keras.initializers.Constant(1 / 3)
    layer = NumericEmbedding(1, initializer=third, dtype="mixed_float16")

    token = layer(np.array([[100_001.0]], "float32"))

    assert token.dtype == "float32"
    assert float(token[0, 0, 0]) == pytest.approx(100_001 / 3, rel=1e-6)


@pytest.mark.parametrize("dim", [0, -1, True, 2.0, "3"])
def test_embedding_dim_out_of_range(dim):
    with pytest.raises(ValueError, match="`embedding_dim` must be a positive integer. Received"):
        NumericEmbedding(dim)
