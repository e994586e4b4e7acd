import numpy as np
import pytest
import references

from ctrmoe.layers.numeric.periodic import PeriodicEmbedding

NAN = float("nan")


@pytest.mark.parametrize("activation", ["relu", None])
def test_equals_the_equations(randomize, activation):
    layer = PeriodicEmbedding(3, num_frequencies=4, activation=activation)
    layer.build((None, 2))
    weights = randomize(layer)
    x = np.array([[0.5, -2.0], [NAN, 3.0], [0.0, NAN]], "float32")

    expected = references.periodic(x, weights, activation)

    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_quarter_of_a_period_by_hand():
    """c = 0.5 and x = 0.5: the sine of a quarter is 1, its cosine 0."""
    layer = PeriodicEmbedding(1, num_frequencies=1)
    layer.build((None, 1))
    layer.frequencies.assign([[0.5]])
    layer.kernels.assign([[[3.0], [5.0]]])
    layer.biases.assign([[0.25]])

    tokens = np.asarray(layer(np.array([[0.5], [0.0], [-0.5]], "float32")))[:, 0, 0]

    np.testing.assert_allclose(tokens, [3.25, 5.25, 0.0], atol=1e-6)


def test_frequencies_are_trainable_and_drawn_from_sigma():
    layer = PeriodicEmbedding(3, num_frequencies=500, sigma=2.0)

    layer.build((None, 4))

    assert any(weight is layer.frequencies for weight in layer.trainable_weights)
    assert np.std(layer.frequencies.numpy()) == pytest.approx(2.0, rel=0.1)


def test_number_of_parameters():
    layer = PeriodicEmbedding(3, num_frequencies=4)

    layer.build((None, 2))

    # c, W and b of each field, and the vector of missing numbers
    assert layer.count_params() == 2 * (4 + 8 * 3 + 3 + 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_frequencies": 0}, "`num_frequencies` must be a positive integer. Received: .*=0"),
        ({"sigma": 0.0}, "`sigma` must be a positive number. Received: sigma=0.0"),
        ({"sigma": "1"}, "`sigma` must be a positive number. Received: sigma='1'"),
    ],
)
def test_option_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        PeriodicEmbedding(3, **options)
