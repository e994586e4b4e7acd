import numpy as np
import pytest
import references

from ctrmoe.layers.numeric.piecewise_linear import PiecewiseLinearEmbedding

NAN = float("nan")
# The second field has equal quantiles, the third but one value.
QUANTILES = [[-1.0, 0.0, 0.5, 1.0, 4.0], [0.0, 0.0, 0.0, 2.0, 3.0], [7.0] * 5]
EDGES = [[-1.0, 0.0, 0.5, 1.0, 4.0], [0.0, 2.0, 3.0], [7.0, 8.0]]


@pytest.mark.parametrize("activation", [None, "relu"])
def test_equals_the_equation(randomize, activation):
    layer = PiecewiseLinearEmbedding(2, quantiles=QUANTILES, num_bins=4, activation=activation)
    layer.build((None, 3))
    weights = randomize(layer)
    numbers = [-9.0, -1.0, -0.3, 0.0, 0.5, 0.7, 1.0, 2.0, 2.5, 3.0, 4.0, 7.0, 99.0, NAN]
    x = np.tile(np.array(numbers, "float32")[:, None], 3)

    expected = references.piecewise_linear(x, EDGES, weights, activation)

    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-5)


def test_bins_by_hand():
    layer = PiecewiseLinearEmbedding(3, quantiles=[[0.0, 1.0, 3.0, 7.0]], num_bins=3)
    layer.build((None, 1))
    layer.kernels.assign(np.eye(3)[None])

    tokens = np.asarray(layer(np.array([[-1.0], [0.5], [2.0], [5.0], [11.0]], "float32")))[:, 0]

    # Open below in the first bin, above in the last.
    expected = [[-1, 0, 0], [0.5, 0, 0], [1, 0.5, 0], [1, 1, 0.5], [1, 1, 2]]
    np.testing.assert_array_equal(tokens, expected)


def test_fewer_bins_take_every_so_many_quantiles(randomize):
    coarse = PiecewiseLinearEmbedding(2, quantiles=[[0.0, 1.0, 2.0, 5.0, 9.0]], num_bins=2)
    same = PiecewiseLinearEmbedding(2, quantiles=[[0.0, 2.0, 9.0]], num_bins=2)
    x = np.array([[0.3], [1.7], [6.0]], "float32")
    coarse.build(x.shape)
    randomize(coarse)
    same.build(x.shape)
    same.set_weights(coarse.get_weights())

    np.testing.assert_array_equal(coarse(x), same(x))


def test_number_of_parameters():
    layer = PiecewiseLinearEmbedding(3, quantiles=QUANTILES, num_bins=4)

    layer.build((None, 3))

    # W, b and the vector of missing numbers; W has the rows of the field with the most bins
    assert layer.count_params() == 3 * (4 * 3 + 3 + 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantiles": [[]]}, r"`quantiles` must be ascending numbers, one .* quantiles=\[\]"),
        ({"quantiles": [[1.0, 0.0]]}, r"`quantiles` must be ascending numbers"),
        ({"quantiles": [[0.0, NAN]]}, r"`quantiles` must be ascending numbers"),
        ({"num_bins": 3}, "`num_bins` must divide the 4 bins of the quantiles. .* num_bins=3"),
        ({"num_bins": 0}, "`num_bins` must be a positive integer. Received: num_bins=0"),
    ],
)
def test_option_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        PiecewiseLinearEmbedding(3, **{"quantiles": QUANTILES, "num_bins": 1, **options})


def test_input_of_another_number_of_fields():
    layer = PiecewiseLinearEmbedding(3, quantiles=QUANTILES, num_bins=4)

    with pytest.raises(
        ValueError, match=r"for every field of the input. Received: 3 .*\(None, 2\)"
    ):
        layer.build((None, 2))
