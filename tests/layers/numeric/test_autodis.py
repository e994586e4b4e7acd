import numpy as np
import pytest
import references

from ctrmoe.layers.numeric.autodis import AutoDis

NAN = float("nan")


@pytest.mark.parametrize("options", [{}, {"skip": 0.7, "temperature": 0.3}])
def test_equals_the_equations(randomize, options):
    layer = AutoDis(3, num_embeddings=4, **options)
    layer.build((None, 2))
    weights = randomize(layer)
    x = np.array([[0.5, -2.0], [NAN, 3.0], [0.0, NAN]], "float32")

    expected = references.autodis(x, weights, layer.skip, layer.temperature)

    np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-6)


def test_number_between_two_meta_embeddings_by_hand():
    """h = leaky_relu([2, -1]) = [2, -0.2]; s = h · I + 0.5 h = [3, -0.3]; shares e³ : e^-0.3."""
    layer = AutoDis(1, num_embeddings=2, skip=0.5)
    layer.build((None, 1))
    layer.scales.assign([[2.0, -1.0]])
    layer.kernels.assign([[[1.0, 0.0], [0.0, 1.0]]])
    layer.embeddings.assign([[[10.0], [20.0]]])

    token = float(layer(np.array([[1.0]], "float32"))[0, 0, 0])

    assert token == pytest.approx(10 + 10 / (1 + np.exp(3.3)), rel=1e-6)


def test_small_temperature_chooses_one_meta_embedding(randomize):
    layer = AutoDis(3, num_embeddings=5, temperature=1e-4)
    layer.build((None, 1))
    randomize(layer)

    token = np.asarray(layer(np.array([[1.3]], "float32")))[0, 0]

    assert np.abs(layer.embeddings.numpy()[0] - token).max(axis=1).min() < 1e-6


def test_number_of_parameters():
    layer = AutoDis(3, num_embeddings=4)

    layer.build((None, 2))

    # w, W and E of each field, and the vector of missing numbers
    assert layer.count_params() == 2 * (4 + 4 * 4 + 4 * 3 + 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_embeddings": 0}, "`num_embeddings` must be a positive integer. Received: .*=0"),
        ({"skip": -0.1}, "`skip` must not be negative. Received: skip=-0.1"),
        ({"temperature": 0}, "`temperature` must be a positive number. Received: temperature=0"),
        ({"temperature": float("inf")}, "`temperature` must be a positive number"),
    ],
)
def test_option_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        AutoDis(3, **options)
