import numpy as np
import pytest

from ctrmoe.layers.balance import ZLoss


def test_z_is_the_square_of_the_log_of_the_sum(random, routing_of):
    logits = random.normal(size=(5, 3)).astype("float32")
    found = ZLoss()(routing_of(logits, [[0]] * 5), context={})

    np.testing.assert_allclose(found, np.mean(np.log(np.exp(logits).sum(1)) ** 2), rtol=1e-5)


def test_gradient_is_finite_and_there(gradient):
    found = gradient(ZLoss())

    assert np.isfinite(found).all() and np.abs(found).max() > 1e-6


def test_weight_must_not_be_negative():
    with pytest.raises(ValueError, match="`weight` must not be negative"):
        ZLoss(-1.0)
