import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers.attention import attend, attention_weights, project


@pytest.fixture
def inputs(random):
    """Query, key, value and dropout's factors, of sizes that tell the axes apart."""
    shapes = (2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 3, 5)
    *tensors, keep = (random.normal(size=shape).astype("float32") for shape in shapes)
    return [*(tf.constant(x) for x in tensors), tf.constant((keep > 0) * np.float32(2))]


def plain(query, key, value, keep=None):
    weights = tf.nn.softmax(tf.einsum("bmd,bnd->bmn", query, key))
    return tf.einsum("bmn,bnu->bmu", weights if keep is None else weights * keep, value)


def gradients(function, inputs, count):
    """The output and the gradients of the first `count` inputs of a sum of its powers."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = function(*inputs)
        total = tf.reduce_sum(output**3 + output)  # a gradient that differs by place
    return [output, *tape.gradient(total, inputs[:count])]


@pytest.mark.parametrize("dropout", [False, True])
def test_output_and_gradients_are_those_of_the_equations(inputs, dropout):
    inputs = inputs if dropout else inputs[:3]

    ours, expected = gradients(attend, inputs, 3), gradients(plain, inputs, 3)

    for x, y in zip(ours, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def test_large_scores_overflow_nothing(inputs):
    query, key, value, _ = inputs

    results = gradients(attend, [query * 1e4, key, value], 3)

    assert all(np.isfinite(x).all() for x in results)


def test_weights_of_a_query_sum_to_one(inputs):
    query, key, *_ = inputs

    np.testing.assert_allclose(tf.reduce_sum(attention_weights(query, key), -1), 1, rtol=1e-6)


@pytest.mark.parametrize("widths", [(2, 3, 1), (2,)])
def test_projections_and_their_gradients(random, widths):
    x, *kernels = (
        tf.constant(random.normal(size=shape).astype("float32"))
        for shape in ((7, 4), *((4, width) for width in widths))
    )

    results = [
        gradients(lambda *tensors, f=f: tf.concat(f(*tensors), 1), [x, *kernels], 1 + len(widths))
        for f in (lambda x, *k: project(x, k), lambda x, *k: [x @ kernel for kernel in k])
    ]

    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
