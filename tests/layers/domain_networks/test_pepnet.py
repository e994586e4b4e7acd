import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.pepnet import PEPNet

DOMAINS = np.array([0, 2, 2, 0, 3], "int32")  # none of domain 1, one row of domain 3
SIZES = {"units": [5, 3], "domain_dim": 2, "gate_units": 6}


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4)).astype("float32")


@pytest.fixture
def make(x, randomize):
    """Returns a function that makes a network of two tasks with weights drawn anew."""

    def network(**options):
        layer = PEPNet(4, 2, **SIZES, **options)
        layer.build(x.shape)
        randomize(layer)
        return layer

    return network


def open_gates(network):
    """Makes all scales 1."""
    for gate in (network.input_gate, network.tower_gate):
        for weight in gate.scales.weights:
            weight.assign(keras.ops.zeros_like(weight))


def gradients(network, x, task=None, training=None):
    """Those of a sum of results by `x` and by each weight."""
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = network(value, DOMAINS, training=training)
        total = tf.reduce_sum(result if task is None else result[:, task])
    weights = {weight.path: weight.value for weight in network.trainable_weights}
    return tape.gradient(total, (value, weights), unconnected_gradients="zero")


def gradient_of_towers(network, x, scales):
    """That of the plain towers' results at `x ⊙ scales`, the scales held, by `x`."""
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        h = (value * scales)[None]
        for layer in network.tower_layers:
            h = layer.compute(h, layer.tensors())
        total = tf.reduce_sum(h)
    return tape.gradient(total, value)


@pytest.mark.parametrize(
    "options",
    [{}, {"epnet": False}, {"ppnet": False}, {"activation": "tanh"}],
    ids=["both", "ppnet", "epnet", "tanh"],
)
def test_equals_the_equations(make, x, variables, options):
    network = make(**options)
    weights = {name: w.numpy().astype("float64") for name, w in variables(network).items()}

    result = network(x, DOMAINS)

    expected = references.pepnet(x.astype("float64"), DOMAINS, weights, 2, [4, 5, 3], **options)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_open_gates_leave_plain_towers(make, x, variables):
    network = make()
    open_gates(network)
    weights = variables(network)

    result = network(x, DOMAINS)

    for task in range(2):
        h = x
        for layer in range(2):
            kernel = weights[f"towers_{layer}_kernel_0"].numpy()[task]
            h = np.maximum(h @ kernel + weights[f"towers_{layer}_bias_0"].numpy()[task], 0)
        np.testing.assert_allclose(result[:, task], h, atol=1e-5)


def test_embeddings_are_trained_through_the_towers(make, x):
    network = make()
    open_gates(network)

    gradient, _ = gradients(network, x)

    expected = gradient_of_towers(network, x, scales=1.0)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_gate_of_the_input_gives_it_no_gradient(make, x):
    network = make(ppnet=False)

    gradient, _ = gradients(network, x)

    vectors = network.domain_embedding(DOMAINS)
    scales = network.input_gate(keras.ops.concatenate([vectors, x], axis=1))
    np.testing.assert_allclose(gradient, gradient_of_towers(network, x, scales), atol=1e-5)


def test_gates_of_the_towers_give_the_scaled_input_no_gradient(make, x):
    network = make()
    vectors = network.domain_embedding(DOMAINS)
    joined = keras.ops.concatenate([vectors, x], axis=1)
    held = network._gates(x, vectors, x * network.input_gate(joined))

    _, by_weight = gradients(network, x)

    kernel = network.input_gate.scales.kernel
    with tf.GradientTape() as tape:
        h = held[0] * (x * network.input_gate(joined))[None]
        for layer, gate in zip(network.tower_layers, held[1:], strict=True):
            h = gate * layer.compute(h, layer.tensors())
        total = tf.reduce_sum(h)
    expected = tape.gradient(total, kernel.value)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(by_weight[kernel.path], expected, rtol=1e-4, atol=1e-5)


def test_towers_share_no_weights(make, x):
    network = PEPNet(4, 2, **SIZES)
    network.build(x.shape)
    for layer in network.tower_layers:
        kernel = layer.kernels[0].numpy()
        assert np.abs(kernel[0] - kernel[1]).max() > 0.01

    _, by_weight = gradients(make(), x, task=1)

    towers = {path: g.numpy() for path, g in by_weight.items() if "towers_" in path}
    assert len(towers) == 4
    for gradient in towers.values():
        assert np.abs(gradient[0]).max() == 0
        assert np.abs(gradient[1]).max() > 0


def test_one_domains_vector_is_trained_by_its_rows(make, x):
    _, by_weight = gradients(make(), x)

    (gradient,) = (g for path, g in by_weight.items() if "domain_embedding" in path)
    changed = np.abs(tf.convert_to_tensor(gradient)).max(axis=1) > 0
    assert changed.tolist() == [True, False, True, True]


def test_dropout_is_active_in_training_only(make, x):
    network = make(dropout=0.5)

    np.testing.assert_array_equal(network(x, DOMAINS), network(x, DOMAINS))
    assert not np.allclose(network(x, DOMAINS, training=True), network(x, DOMAINS))


@pytest.mark.parametrize("tasks", [1, 3])
def test_number_of_weights(x, tasks):
    network = PEPNet(4, tasks, **SIZES)
    network.build(x.shape)

    input_gate = (2 + 4 + 1) * 6 + (6 + 1) * 4
    tower_gates = (4 + 2 + 4 + 1) * 6 + (6 + 1) * tasks * (4 + 5 + 3)
    towers = tasks * ((4 + 1) * 5 + (5 + 1) * 3)
    assert network.count_params() == 4 * 2 + input_gate + tower_gates + towers


def test_half_precision_is_finite(x):
    network = PEPNet(4, 2, **SIZES, dtype="mixed_float16")

    result = network(x, DOMAINS)

    assert result.dtype == "float16"
    assert np.isfinite(result).all()
    assert {weight.dtype for weight in network.weights} == {"float32"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, "`units` must name at least one width"),
        ({"units": [4, 0]}, "`units` must be a positive integer"),
        ({"domain_dim": 0}, "`dim` must be a positive integer"),
        ({"gate_units": -1}, "`gate_units` must be a positive integer"),
        ({"dropout": 1}, "`dropout` must lie in"),
        ({"epnet": False, "ppnet": False}, "`epnet` or `ppnet` must be true"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        PEPNet(4, **options)
