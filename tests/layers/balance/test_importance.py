import numpy as np

from ctrmoe.layers.balance import Importance


def test_importance_is_zero_where_probabilities_sum_to_the_same(routing_of):
    turned = np.array([[1, 2, 3], [2, 3, 1], [3, 1, 2]], "float32")

    np.testing.assert_allclose(
        Importance()(routing_of(turned, [[0]] * 3), context={}), 0, atol=1e-6
    )
    skewed = routing_of(np.array([[60, 0, 0]], "float32"), [[0]])
    np.testing.assert_allclose(Importance()(skewed, context={}), 2, rtol=1e-4)  # E - 1


def test_gradient_is_finite_and_there(gradient):
    found = gradient(Importance())

    assert np.isfinite(found).all() and np.abs(found).max() > 1e-6
