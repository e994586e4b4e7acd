"""What every network of several domains keeps."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers.domain_networks import DOMAIN_NETWORKS
from ctrmoe.layers.domain_normalization import DomainNormalization
from ctrmoe.layers.registry import constructor_parameters

NUM_DOMAINS = 4
# Small sizes, and values other than the defaults.
OPTIONS = {
    "adasparse": {"units": [5, 3], "domain_dim": 3, "alpha_growth": 0.5, "epsilon": 0.2},
    "hinet": {"units": [5], "task_units": [4], "own_experts": 3, "domain_dim": 3},
    "m2m": {"units": [5], "vector_units": [3], "num_layers": 2, "activation": "tanh"},
    "m3oe": {"star_dim": 5, "units": [4], "expert_units": [3], "activation": "tanh"},
    "pepnet": {"units": [5, 4], "domain_dim": 3, "gate_units": 6, "dropout": 0.1},
    "ple": {"units": [5], "own_experts": 2, "activation": "tanh"},
    "sarnet": {"units": [5, 3], "shared_experts": 2, "own_experts": 3, "activation": "tanh"},
}
random = np.random.default_rng(5)
X = random.normal(size=(6, 3, 2)).astype("float32")
DOMAINS = np.array([0, 2, 2, 0, 3, 0], "int32")  # none of domain 1, one row of domain 3


@keras.saving.register_keras_serializable(package="tests")
class OfPair(keras.layers.Wrapper):
    """Gives `(x, domain)` to a layer of two inputs."""

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(*input_shape)

    def call(self, inputs, training=None):
        return self.layer(*inputs, training=training)


@pytest.fixture(params=DOMAIN_NETWORKS)
def kind(request):
    return request.param


@pytest.fixture
def make(kind):
    """Returns a function that makes a network with weights that are not their first."""

    def network(num_tasks=2, **kwargs):
        layer = DOMAIN_NETWORKS[kind](NUM_DOMAINS, num_tasks, **OPTIONS[kind], **kwargs)
        layer.build(X.shape)
        draw = np.random.default_rng(3)
        for weight in layer.trainable_weights:
            weight.assign(draw.normal(size=weight.shape, scale=0.5))
        return layer

    return network


def test_key_is_the_name_of_the_file(kind):
    module = inspect.getmodule(DOMAIN_NETWORKS[kind]).__name__
    assert module == f"ctrmoe.layers.domain_networks.{kind}"


def test_every_network_has_a_test_file(kind, repository):
    assert (repository / f"tests/layers/domain_networks/test_{kind}.py").is_file()


def test_config_makes_the_same_network_again(kind, make):
    network = make(dtype="mixed_float16", name="part")
    arguments = set(constructor_parameters(type(network))) - {"kwargs"}

    again = keras.layers.deserialize(keras.layers.serialize(network))

    assert again.get_config() == network.get_config()
    assert arguments <= set(network.get_config())
    assert (again.name, again.dtype_policy.name) == ("part", "mixed_float16")
    for option, value in OPTIONS[kind].items():
        assert network.get_config()[option] == value


@pytest.mark.parametrize("num_tasks", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_declared_shape_and_dtype_are_the_real_ones(make, num_tasks, dtype):
    network = make(num_tasks, dtype=dtype)

    symbolic = network(keras.Input(X.shape[1:]), keras.Input((), dtype="int32"))
    result = network(X, DOMAINS)

    tasks = (num_tasks,) if network.by_task else ()
    assert result.shape == (6, *tasks, network.output_dim)
    assert symbolic.shape == (None, *result.shape[1:])
    assert network.compute_output_shape((None, *X.shape[1:])) == symbolic.shape
    assert symbolic.dtype == result.dtype.name == dtype.removeprefix("mixed_")
    assert np.isfinite(result).all()
    assert {w.dtype for w in network.trainable_weights} == {"float32"}


def test_prediction_of_a_row_is_its_own_and_moves_nothing(make):
    network = make()
    network(X, DOMAINS, training=True)
    states = [weight.numpy().copy() for weight in network.weights]
    together = network(X, DOMAINS)
    serve = tf.function(
        network,
        input_signature=[tf.TensorSpec((None, 3, 2)), tf.TensorSpec((None,), "int32")],
        autograph=False,
    )

    for rows in ([0], [1], [4], [3, 1], [5, 4, 3, 2, 1, 0]):
        some = serve(X[rows], DOMAINS[rows])
        np.testing.assert_allclose(some, together.numpy()[rows], rtol=1e-5, atol=1e-6)
    for weight, state in zip(network.weights, states, strict=True):
        np.testing.assert_array_equal(weight, state)


def test_number_that_is_no_domain_is_domain_0(make):
    network = make()
    hidden = np.zeros(6, "int32")

    np.testing.assert_array_equal(network(X, hidden - 7), network(X, hidden))
    np.testing.assert_array_equal(network(X, hidden + 70), network(X, hidden))


def test_wrong_inputs_are_named(make):
    network = make()
    network(X, DOMAINS)

    with pytest.raises(ValueError, match=r"`domain` must hold one number.*shape=\(6, 1\)"):
        network(X, DOMAINS[:, None])
    with pytest.raises(ValueError, match=r"expected shape=\(None, 3, 2\)"):
        network(X[:, :2], DOMAINS)


def test_reloads_inside_a_model_that_builds_itself(make, save_and_load):
    network = make()
    network(X, DOMAINS, training=True)

    before, after = save_and_load(OfPair(network), (X, DOMAINS))

    np.testing.assert_array_equal(after, before)


def test_normalization_reloads_with_its_statistics(save_and_load):
    layer = DomainNormalization(NUM_DOMAINS, momentum=0.5, epsilon=0.01)
    rows = X.reshape(6, 6)
    layer(rows, DOMAINS, training=True)
    assert np.abs(layer.moving_mean).max() > 0.1

    before, after = save_and_load(OfPair(layer), (rows, DOMAINS))

    np.testing.assert_array_equal(after, before)


def test_every_weight_learns(make):
    network = make()
    x = tf.constant(X)

    with tf.GradientTape() as tape:
        tape.watch(x)
        result = network(x, DOMAINS, training=True)
        target = np.cos(np.arange(result.numpy().size, dtype="float32")).reshape(result.shape)
        loss = tf.reduce_sum(tf.square(result - target)) + sum(network.losses)
    values = [weight.value for weight in network.trainable_weights]
    gradients = tape.gradient(loss, [x, *values])

    names = ["x", *(weight.path for weight in network.trainable_weights)]
    for name, gradient in zip(names, gradients, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient).max() > 0, name


def test_domain_matters(make):
    network = make()
    result = network(X, DOMAINS).numpy()

    other = network(X, np.array([1, 2, 2, 0, 3, 0], "int32")).numpy()

    assert np.abs(other[0] - result[0]).max() > 1e-3
    np.testing.assert_allclose(other[1:], result[1:], rtol=1e-5, atol=1e-6)
