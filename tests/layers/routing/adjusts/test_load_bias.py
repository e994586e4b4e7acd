import numpy as np
import pytest

from ctrmoe.layers.routing.adjusts import LoadBias


def test_load_bias_moves_towards_the_experts_that_are_used_less(scores):
    bias = LoadBias(0.1)
    bias(scores, context={}, training=True)

    bias.selected({"index": np.array([[0, 1], [0, 1], [0, 2], [0, 3]], "int32")})
    found = bias(scores, context={})

    # Loads 1, 1/2 and 1/4 of a mean of 7/12; the choice that is none counts nowhere.
    np.testing.assert_allclose(bias.bias, [-0.1, 0.1, 0.1], atol=1e-7)
    np.testing.assert_allclose(found["scores"] - found["logits"], [[-0.1, 0.1, 0.1]] * 4, atol=1e-6)
    np.testing.assert_array_equal(found["logits"], scores["logits"])


def test_load_bias_is_balanced_at_uniform_load(scores):
    bias = LoadBias(0.1)
    bias(scores, context={})

    bias.selected({"index": np.array([[0], [1], [2]], "int32")})

    np.testing.assert_array_equal(bias.bias, [0, 0, 0])


def test_update_rate_must_be_positive():
    with pytest.raises(ValueError, match="`update_rate` must be positive"):
        LoadBias(0.0)
