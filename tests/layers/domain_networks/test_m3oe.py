import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.m3oe import M3oE

DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


@pytest.fixture
def x(random):
    return random.normal(size=(7, 5)).astype("float32")


@pytest.mark.parametrize(("domains", "tasks"), [(3, 1), (3, 3), (1, 2)])
def test_m3oe_equals_the_equations(x, randomize, domains, tasks):
    network = M3oE(domains, tasks, star_dim=6, units=[5, 3], expert_units=[4, 2], num_experts=2)
    rows = np.minimum(DOMAINS, domains - 1)
    network(x, rows)
    weights = randomize(network)

    y = network(x, rows)

    assert y.shape == (7, tasks, 2)
    for row, domain in enumerate(rows):
        expected = references.m3oe(x[row], domain, weights, tasks, 2, 2)
        np.testing.assert_allclose(y[row], expected, rtol=1e-4, atol=1e-4)


def test_m3oe_gates_do_not_train_the_representation(x, randomize):
    network = M3oE(3, num_experts=2)
    network(x, DOMAINS)
    randomize(network)
    # Nothing but the gates can change the result when all experts but the shared ones are off.
    for bank in (network.shared, network.domains):
        for kernel in bank.kernels:
            kernel.assign(np.zeros(kernel.shape))

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(network(x, DOMAINS))
    sources = [network.skip.kernel.value, network.gates.bank.kernels[0].value]
    of_representation, of_gates = tape.gradient(loss, sources)

    np.testing.assert_array_equal(of_representation, 0)
    assert np.abs(tf.convert_to_tensor(of_gates)).max() > 0


def test_m3oe_shares_have_gradients_from_the_start(x):
    network = M3oE(3, 2)
    network(x, DOMAINS)
    shares = [network.own_domain, network.domain_share, network.own_task, network.task_share]

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(keras.ops.square(network(x, DOMAINS)))
    gradients = tape.gradient(loss, [share.value for share in shares])

    values = [float(keras.ops.sigmoid(share)) for share in shares]
    np.testing.assert_allclose(values, [0.731, 0.5, 0.731, 0.5], atol=1e-3)
    assert all(float(gradient) != 0 for gradient in gradients)


@pytest.mark.parametrize("tasks", [1, 2])
def test_m3oe_parameters(tasks):
    network = M3oE(3, tasks, star_dim=6, units=[4], expert_units=[2], num_experts=5)
    network.build((None, 7))

    star = (3 + 1) * (7 * 6 + 6)
    representation = star + (6 * 4 + 4) + (7 * 4 + 4)
    experts = (5 + 3 + (tasks if tasks > 1 else 0)) * (4 * 2 + 2)
    gates = 3 * (4 * 5 + 5)
    assert network.count_params() == representation + experts + gates + (4 if tasks > 1 else 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_experts": 0}, "`num_experts` must be a positive integer"),
        ({"star_dim": 0}, "`star_dim` must be a positive integer"),
        ({"expert_units": []}, "`units` must name at least one width"),
    ],
)
def test_m3oe_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        M3oE(3, **options)
