import numpy as np
import pytest
import references

from ctrmoe.layers.numeric.bottom_mlp import BottomMLP

NAN = float("nan")


def test_equals_the_equations(randomize):
    layer = BottomMLP(3, units=[5, 4])
    layer.build((None, 2))
    weights = randomize(layer)
    x = np.array([[0.5, -2.0], [NAN, 3.0], [NAN, NAN]], "float32")

    expected = references.bottom_mlp(x, weights, num_layers=3)

    assert expected.shape == (3, 1, 3)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_missing_is_a_row_of_the_first_kernel():
    layer = BottomMLP(2, units=[])
    layer.build((None, 1))
    layer.mlp.dense_layers[0].kernel.assign([[1.0, 2.0], [7.0, 9.0]])

    tokens = layer(np.array([[3.0], [0.0], [NAN]], "float32"))

    np.testing.assert_array_equal(tokens, [[[3.0, 6.0]], [[0.0, 0.0]], [[7.0, 9.0]]])


def test_number_of_parameters():
    layer = BottomMLP(3, units=[5])

    layer.build((None, 2))

    assert layer.count_params() == (2 * 2 + 1) * 5 + (5 + 1) * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": [4, 0]}, "`units` must be a positive integer. Received: units=0"),
        ({"dropout": 1.0}, r"`dropout` must lie in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_option_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        BottomMLP(3, **options)
