import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.proxy_gated_unit import ProxyGatedUnit


@pytest.fixture
def tokens(random):
    return random.normal(size=(4, 6, 5)).astype("float32")


@pytest.fixture
def proxies(random):
    return random.normal(size=(4, 2, 5)).astype("float32")


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_equals_the_equation(tokens, proxies, randomize, num_layers):
    layer = ProxyGatedUnit(num_layers)
    layer(tokens, proxies)
    weights = randomize(layer)

    expected = [
        references.proxy_gated_unit(*row, weights, num_layers)
        for row in zip(tokens, proxies, strict=True)
    ]

    np.testing.assert_allclose(layer(tokens, proxies), expected, rtol=1e-4, atol=1e-5)


def test_gate_lies_between_zero_and_one_and_shrinks(tokens, proxies, randomize):
    layer = ProxyGatedUnit()
    layer(tokens, proxies)
    randomize(layer)

    gate, out = np.asarray(layer.gate(proxies)), np.asarray(layer(tokens, proxies))

    assert gate.shape == (4, 1, 5)
    assert 0 < gate.min() < 0.5 < gate.max() < 1
    assert (np.abs(out) < np.abs(tokens)).all()


def test_argument_out_of_range():
    message = "`num_layers` must be a positive integer. Received: num_layers=0"
    with pytest.raises(ValueError, match=message):
        ProxyGatedUnit(0)
