import math

import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.classifiers.ipnn import IPNN, inner_products


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4, 3)).astype("float32")


@pytest.mark.parametrize("tokens", [1, 2, 4])
def test_equals_the_equation(x, randomize, tokens):
    x = x[:, :tokens]
    layer = IPNN([6, 2])
    layer.build(x.shape)
    weights = randomize(layer)
    features = x.reshape(5, -1)
    if tokens > 1:
        features = np.concatenate([features, references.inner_products(x)], axis=1)

    expected = references.mlp(features, weights, 2, prefix="mlp_")

    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_products_are_the_upper_triangle_of_the_gram_matrix(x):
    products = np.asarray(inner_products(x))

    gram = x @ x.transpose(0, 2, 1)
    assert products.shape == (5, 6)
    np.testing.assert_allclose(products, gram[:, *np.triu_indices(4, 1)], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tokens", [2, 3, 5])
def test_gradient_equals_differences(random, tokens):
    x = tf.constant(random.normal(size=(2, tokens, 3)))

    analytic, numeric = tf.test.compute_gradient(inner_products, [x])

    np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-5, atol=1e-6)


def test_no_tensor_has_all_pairs_and_columns():
    batch, tokens, dim = 7, 30, 11

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(inner_products(x) ** 2)
        return tape.gradient(total, x)

    graph = step.get_concrete_function(tf.TensorSpec((batch, tokens, dim))).graph

    sizes = [
        math.prod(output.shape)
        for operation in graph.get_operations()
        for output in operation.outputs
        if output.shape.rank is not None
    ]
    assert batch * tokens * tokens <= max(sizes) < batch * (tokens * (tokens - 1) // 2) * dim
