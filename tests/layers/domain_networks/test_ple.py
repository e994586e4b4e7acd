import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.ple import PLE

DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


@pytest.fixture
def x(random):
    return random.normal(size=(7, 5)).astype("float32")


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(("own", "shared"), [(1, 1), (2, 3)])
def test_ple_equals_the_equations(x, randomize, levels, own, shared):
    network = PLE(3, units=[6, 4], num_levels=levels, own_experts=own, shared_experts=shared)
    network(x, DOMAINS)
    weights = randomize(network)

    y = network(x, DOMAINS)

    for row, domain in enumerate(DOMAINS):
        expected = references.ple(x[row], domain, weights, levels, own, shared)
        np.testing.assert_allclose(y[row], expected, atol=1e-5)


def test_ple_by_task_has_gates_for_each_task_in_the_last_level(x, randomize):
    network = PLE(3, 2, units=[4], own_experts=2, by_task=True)
    network(x, DOMAINS)
    weights = randomize(network)

    y = network(x, DOMAINS)

    assert y.shape == (7, 2, 4)
    for row, domain in enumerate(DOMAINS):
        for task in range(2):
            expected = references.ple(x[row], domain, weights, 2, 2, 1, task)
            np.testing.assert_allclose(y[row, task], expected, atol=1e-5)
    assert np.abs(y[:, 0] - y[:, 1]).max() > 1e-3


def test_ple_of_one_domain_is_computed_without_others(x, randomize):
    network = PLE(1, units=[4], own_experts=2)
    network(x, np.zeros(7, "int32"))
    weights = randomize(network)

    y = network(x, np.zeros(7, "int32"))

    np.testing.assert_allclose(y[3], references.ple(x[3], 0, weights, 2, 2, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("levels", "count"),
    [
        (1, (3 * 2 + 1) * (5 * 4 + 4) + 3 * (5 * 3 + 3)),
        (2, (3 * 2 + 1) * (5 * 4 + 4 + 4 * 4 + 4) + 3 * (5 * 3 + 3 + 4 * 3 + 3) + 7 * 5),
    ],
)
def test_ple_parameters(levels, count):
    network = PLE(3, units=[4], num_levels=levels, own_experts=2)
    network.build((None, 5))

    assert network.count_params() == count


def test_ple_of_one_level_leaves_other_domains_without_gradient(x):
    network = PLE(4, units=[4], num_levels=1, own_experts=2)
    network(x, DOMAINS)

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(keras.ops.square(network(x, DOMAINS)))
    kernel = network.own[0].kernels[0]
    gradient = tf.convert_to_tensor(tape.gradient(loss, kernel.value)).numpy()

    assert np.abs(gradient[:6]).sum(axis=(1, 2)).all()
    np.testing.assert_array_equal(gradient[6:], 0)


@pytest.mark.parametrize("levels", [1, 3])
def test_ple_weights_of_domains_lead_with_the_domains(levels):
    network = PLE(3, units=[4], num_levels=levels, own_experts=2, shared_experts=5)

    network.build((None, 6))

    assert {part.rows_per_domain for part in (*network.own, *network.shared_gates)} == {2}
    assert {bank.kernels[0].shape[0] for bank in network.own} == {3 * 2}
    assert {gate.kernel.shape[0] for gate in network.shared_gates} <= {3 * 2 + 5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_levels": 4}, "`num_levels` must be one of 1, 2, 3. Received: num_levels=4"),
        ({"own_experts": 0}, "`own_experts` must be a positive integer"),
        ({"shared_experts": 0}, "`shared_experts` must be a positive integer"),
        ({"units": []}, "`units` must name at least one width"),
    ],
)
def test_ple_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        PLE(3, **options)
