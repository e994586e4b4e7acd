import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.broadcast_gated_unit import BroadcastGatedUnit


@pytest.mark.parametrize("expansion", [1, 4])
def test_equals_the_equation(random, randomize, expansion):
    tokens = random.normal(size=(4, 6, 5)).astype("float32")
    hubs = random.normal(size=(4, 2, 5)).astype("float32")
    layer = BroadcastGatedUnit(expansion)
    layer(tokens, hubs)
    weights = randomize(layer)

    pairs = zip(tokens, hubs, strict=True)
    expected = [references.broadcast_gated_unit(*row, weights) for row in pairs]

    np.testing.assert_allclose(layer(tokens, hubs), expected, rtol=1e-4, atol=1e-4)


def test_argument_out_of_range():
    message = "`expansion` must be a positive integer. Received: expansion=0"
    with pytest.raises(ValueError, match=message):
        BroadcastGatedUnit(0)
