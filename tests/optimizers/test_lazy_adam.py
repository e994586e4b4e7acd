import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.optimizers import LazyAdam

EVERY_ROW = [*range(40), *range(0, 40, 3), *range(0, 40, 3)]


@pytest.mark.parametrize("amsgrad", [False, True])
def test_rows_read_in_every_step_equal_dense_adam_on_the_summed_gradient(
    train, sparse_gradients, amsgrad
):
    gradients = sparse_gradients(ids=EVERY_ROW)

    table, slots = train(LazyAdam(0.1, amsgrad=amsgrad), gradients)

    dense = [tf.convert_to_tensor(gradient) for gradient in gradients]
    expected, expected_slots = train(keras.optimizers.Adam(0.1, amsgrad=amsgrad), dense)
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(slots, expected_slots, rtol=1e-5, atol=1e-7)


def test_rows_read_in_some_steps_follow_the_lazy_equations(train, sparse_gradients):
    gradients = sparse_gradients(occurrences=8)
    start = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")

    table, (momentum, velocity) = train(LazyAdam(0.1), gradients, start)

    batches = [(g.indices.numpy(), g.values.numpy()) for g in gradients]
    rows, moments = references.lazy_adam(start, batches, learning_rate=0.1)
    np.testing.assert_allclose(table, rows, rtol=0, atol=1e-5)  # the reference has 64 bits
    np.testing.assert_allclose([momentum, velocity], moments, rtol=1e-5, atol=1e-7)
    assert len({len(set(ids)) for ids, _ in batches}) > 1
    assert np.array_equal(table[20:], start[20:])


def test_id_that_occurs_eight_times_moves_as_far_as_one_that_occurs_once(train):
    ids = tf.constant([1] * 8 + [2])
    gradient = tf.IndexedSlices(tf.ones([9, 3]), ids, tf.constant([40, 3]))

    table, (momentum, velocity) = train(LazyAdam(0.1), [gradient])

    np.testing.assert_allclose(table[:4, 0], [0, -0.1, -0.1, 0], atol=1e-6)
    np.testing.assert_allclose(momentum[:4, 0] / 0.1, [0, 8, 1, 0], rtol=1e-5)
    np.testing.assert_allclose(velocity[:4, 0] / 0.001, [0, 64, 1, 0], rtol=1e-4)


def test_dense_gradient_gets_keras_update_to_the_bit(train, sparse_gradients):
    dense = [tf.convert_to_tensor(gradient) for gradient in sparse_gradients()]

    table, slots = train(LazyAdam(0.1), dense)

    expected, expected_slots = train(keras.optimizers.Adam(0.1), dense)
    assert np.array_equal(table, expected)
    assert np.array_equal(slots, expected_slots)
