import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.optimizers import SparseAdagrad


@pytest.mark.parametrize("initial, epsilon", [(0.1, 1e-7), (0.0, 0.5)])
def test_table_equals_dense_adagrad_on_the_summed_gradient(
    train, sparse_gradients, initial, epsilon
):
    options = {"initial_accumulator_value": initial, "epsilon": epsilon}
    gradients = sparse_gradients()
    start = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    table, slots = train(SparseAdagrad(0.1, **options), gradients, start)

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    expected, expected_slots = train(keras.optimizers.Adagrad(0.1, **options), dense, start)
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(slots, expected_slots, rtol=1e-6)
    assert np.array_equal(table[20:], start[20:])


def test_dense_gradient_gets_keras_update_to_the_bit(train, sparse_gradients):
    dense = [tf.convert_to_tensor(gradient) for gradient in sparse_gradients()]

    table, slots = train(SparseAdagrad(0.1), dense)

    expected, expected_slots = train(keras.optimizers.Adagrad(0.1), dense)
    assert np.array_equal(table, expected)
    assert np.array_equal(slots, expected_slots)


def test_repeated_id_adds_the_square_of_its_sum(train):
    gradient = tf.IndexedSlices(tf.ones([8, 3]), tf.fill([8], 5), tf.constant([40, 3]))

    _, (accumulator,) = train(SparseAdagrad(0.1), [gradient])

    np.testing.assert_allclose(accumulator[5], 64.1, rtol=1e-6)
