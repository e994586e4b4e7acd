import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.optimizers import SparseFtrl

OPTIONS = [
    {},
    {"l1_regularization_strength": 0.5, "l2_regularization_strength": 0.3, "beta": 0.7},
    {"learning_rate_power": -0.3, "initial_accumulator_value": 0.5},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_table_equals_dense_ftrl_on_the_summed_gradient(train, sparse_gradients, options):
    gradients = sparse_gradients()

    table, slots = train(SparseFtrl(0.1, **options), gradients)

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    expected, expected_slots = train(keras.optimizers.Ftrl(0.1, **options), dense)
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(slots, expected_slots, rtol=1e-5, atol=1e-5)
    assert np.abs(table[:20]).max() > 0.1


def test_rows_read_in_every_step_equal_dense_ftrl_with_shrinkage(train, sparse_gradients):
    options = {"l2_shrinkage_regularization_strength": 0.2}
    gradients = sparse_gradients(ids=[3, 3, 8, 8, 8, 39])
    start = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    table, _ = train(SparseFtrl(0.1, **options), gradients, start)

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    expected, _ = train(keras.optimizers.Ftrl(0.1, **options), dense, start)
    np.testing.assert_allclose(table[[3, 8, 39]], expected[[3, 8, 39]], rtol=0, atol=1e-6)
    untouched = np.delete(np.arange(40), [3, 8, 39])
    assert np.array_equal(table[untouched], start[untouched])


def test_dense_gradient_gets_keras_update_to_the_bit(train, sparse_gradients):
    dense = [tf.convert_to_tensor(gradient) for gradient in sparse_gradients()]

    table, slots = train(SparseFtrl(0.1, l1_regularization_strength=0.1), dense)

    expected, expected_slots = train(
        keras.optimizers.Ftrl(0.1, l1_regularization_strength=0.1), dense
    )
    assert np.array_equal(table, expected)
    assert np.array_equal(slots, expected_slots)
