import keras
import numpy as np
import pytest

from ctrmoe.layers.interactions.cross_network import CrossNetwork


@pytest.mark.parametrize("projection_dim", [None, 5])
def test_equals_the_equation(random, randomize, projection_dim):
    layer = CrossNetwork(num_layers=3, projection_dim=projection_dim)
    x = random.normal(size=(4, 3, 2)).astype("float32")
    layer.build(x.shape)
    randomize(layer)

    expected = first = x.reshape(4, 6).astype("float64")
    for cross in layer.crosses:
        kernel, bias = (np.asarray(weight, "float64") for weight in cross.dense.weights)
        if projection_dim:
            kernel = np.asarray(cross.down_proj_dense.kernel) @ kernel
        expected = first * (expected @ kernel + bias) + expected

    np.testing.assert_allclose(layer(x), expected.reshape(4, 3, 2), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("projection_dim", "expected"), [(None, 36 + 6), (5, 30 + 30 + 6)])
def test_number_of_parameters(projection_dim, expected):
    layer = CrossNetwork(num_layers=2, projection_dim=projection_dim)

    layer.build((None, 3, 2))

    assert layer.count_params() == 2 * expected


@keras.saving.register_keras_serializable(package="cross_test")
class Model(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.network = CrossNetwork(num_layers=2, projection_dim=2)

    def build(self, input_shape):
        self.network.build(input_shape)

    def call(self, inputs):
        return self.network(inputs)


def test_weights_survive_saving_within_a_subclassed_model(random, randomize, tmp_path):
    model, x = Model(), random.normal(size=(4, 3, 2)).astype("float32")
    model.build(x.shape)
    randomize(model.network)

    model.save(tmp_path / "model.keras")

    copy = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(copy(x), model(x), rtol=1e-6)


def test_a_row_does_not_depend_on_the_others(random):
    layer, x = CrossNetwork(), random.normal(size=(7, 3, 2)).astype("float32")

    np.testing.assert_allclose(layer(x)[2:3], layer(x[2:3]), rtol=1e-5)


@pytest.mark.parametrize("options", [{"num_layers": 0}, {"projection_dim": 0}])
def test_argument_out_of_range(options):
    ((name, _),) = options.items()

    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer. Received"):
        CrossNetwork(**options)


def test_config_round_trip():
    layer = CrossNetwork(num_layers=2, projection_dim=4)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config()
