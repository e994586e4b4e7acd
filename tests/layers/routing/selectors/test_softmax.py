import numpy as np
import pytest

from ctrmoe.layers.routing.selectors import Softmax


def test_softmax_weighs_all_experts(select):
    routing = select(Softmax())

    np.testing.assert_allclose(
        routing["gate"], [[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4]], atol=1e-6
    )
    assert routing["index"].tolist() == [[0, 1, 2, 3]] * 2


def test_softmax_at_a_low_temperature_is_nearly_one_hot(select):
    routing = select(Softmax(temperature=0.01))

    np.testing.assert_allclose(routing["gate"], [[1, 0, 0, 0], [0, 0, 0, 1]], atol=1e-6)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="`temperature` must be positive"):
        Softmax(0.0)
