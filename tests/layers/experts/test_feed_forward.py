import keras
import numpy as np
import pytest
import references

from ctrmoe.layers.experts import FeedForwardExperts


def test_equals_the_equations(random, randomize):
    bank = FeedForwardExperts(3, [5, 2], activation="tanh", output_activation="tanh")
    x = random.normal(size=(4, 6)).astype("float32")
    bank.build(x.shape)
    weights = randomize(bank)

    y = bank(x)

    for row in range(4):
        for index in range(3):
            expected = references.expert(
                x[row], weights, index, activation=np.tanh, output_activation=np.tanh
            )
            np.testing.assert_allclose(y[row, index], expected, atol=1e-5)


def test_each_expert_starts_as_a_dense_layer_does(variables):
    bank = FeedForwardExperts(50, [30])
    bank.build((None, 20))
    kernel = variables(bank)["kernel_0"].numpy()

    limit = np.sqrt(6 / (20 + 30))  # Glorot's, of the matrix of one expert
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(axis=(1, 2)), limit / np.sqrt(3), rtol=0.15)
    assert len(np.unique(kernel[:, 0, 0])) == 50


def test_parameters():
    bank = FeedForwardExperts(4, [5, 2])
    bank.build((None, 3))

    assert bank.count_params() == 4 * (3 * 5 + 5 + 5 * 2 + 2)


def test_dropout_acts_on_hidden_layers_while_training():
    bank = FeedForwardExperts(2, [400, 3], dropout=0.5)
    x = keras.ops.ones((2, 4))

    assert np.abs(bank(x, training=True) - bank(x)).max() > 0
    np.testing.assert_array_equal(bank(x), bank(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, "`units` must name at least one width"),
        ({"units": [0]}, "`units` must be a positive integer"),
        ({"units": [2], "num_experts": 0}, "`num_experts` must be a positive integer"),
        ({"units": [2], "dropout": 1.0}, "`dropout` must"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        FeedForwardExperts(**{"num_experts": 2, **options})
