import numpy as np
import pytest
import references

from ctrmoe.layers.pooling.self_attention import SelfAttentionPooling


@pytest.mark.parametrize("num_heads", [1, 2])
def test_equals_the_equation(random, randomize, num_heads):
    sequence = random.normal(size=(4, 5, 6)).astype("float32")
    keep = np.array([[1] * 5, [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0] * 5], "bool")
    layer = SelfAttentionPooling(num_heads=num_heads)
    layer(sequence, keep)
    weights = references.below(randomize(layer), "attention")

    out = layer(sequence, keep)

    expected = [
        references.self_attention_pooling(*row, weights, num_heads)
        for row in zip(sequence, keep, strict=True)
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_parameters():
    layer = SelfAttentionPooling(num_heads=2)

    layer.build((None, 5, 6))

    assert layer.count_params() == 3 * 36


def test_argument_out_of_range():
    with pytest.raises(ValueError, match="`num_heads` must be a positive integer. Received: .*=0"):
        SelfAttentionPooling(num_heads=0)
    with pytest.raises(ValueError, match="`num_heads` must divide .* num_heads=4, width=6"):
        SelfAttentionPooling(num_heads=4).build((None, 5, 6))
