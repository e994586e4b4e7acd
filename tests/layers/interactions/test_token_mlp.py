import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.token_mlp import TokenMLP


@pytest.mark.parametrize("counts", [[2], [3, 1], [1, 4, 2]])
def test_equals_the_equation(random, randomize, counts):
    x = random.normal(size=(4, 3, 5)).astype("float32")
    layer = TokenMLP(counts)
    layer(x)
    weights = randomize(layer)

    expected = [references.token_mlp(row, weights, len(counts)) for row in x]

    assert layer(x).shape == (4, counts[-1], 5)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], r"`counts` must name at least one width. Received: counts=\[\]"),
        ([2, 0], "`counts` must be a positive integer. Received: counts=0"),
    ],
)
def test_argument_out_of_range(counts, message):
    with pytest.raises(ValueError, match=message):
        TokenMLP(counts)


def test_unknown_number_of_tokens():
    with pytest.raises(ValueError, match=r"tokens .* with known F and D.*\(None, None, 4\)"):
        TokenMLP([1]).build((None, None, 4))
