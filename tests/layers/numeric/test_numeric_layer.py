import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers.numeric.numeric_layer import NumericLayer


class Logarithm(NumericLayer):
    """A function with no finite value or gradient at 0 but where it is told apart."""

    def embed(self, numbers):
        tokens = keras.ops.log(1 + keras.ops.expand_dims(numbers, -1))
        return tokens * keras.ops.ones((self.embedding_dim,))


def test_missing_vector_stands_in_for_the_function():
    layer = Logarithm(2)
    x = np.array([[np.nan, 1.0], [0.0, np.nan]], "float32")

    tokens = np.asarray(layer(x))

    np.testing.assert_array_equal(tokens[[0, 1], [0, 1]], layer.missing.numpy())
    np.testing.assert_allclose(tokens[0, 1], np.log([2.0, 2.0]), rtol=1e-6)


def test_gradient_of_a_missing_number_is_of_its_vector_alone():
    layer = Logarithm(2)
    x = tf.constant([[np.nan, 1.0]])
    layer.build(x.shape)

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = keras.ops.sum(layer(x))
    numbers, missing = tape.gradient(total, [x, layer.missing.value])

    np.testing.assert_array_equal(numbers, [[0.0, 1.0]])
    np.testing.assert_array_equal(missing, [[1.0, 1.0], [0.0, 0.0]])


def test_embedding_dim_out_of_range():
    with pytest.raises(ValueError, match="`embedding_dim` must be a positive integer. Received"):
        Logarithm(0)
