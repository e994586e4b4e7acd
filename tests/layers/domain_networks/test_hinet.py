import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_networks.hinet import HiNet

DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


@pytest.fixture
def x(random):
    return random.normal(size=(7, 5)).astype("float32")


@pytest.mark.parametrize(("own", "shared", "tasks"), [(2, 3, 2), (1, 1, 1)])
def test_hinet_equals_the_equations(x, randomize, own, shared, tasks):
    network = HiNet(
        3, tasks, units=[6, 4], task_units=[3], own_experts=own, shared_experts=shared, domain_dim=2
    )
    network(x, DOMAINS)
    weights = randomize(network)

    y = network(x, DOMAINS)

    assert y.shape == (7, tasks, 3)
    for row, domain in enumerate(DOMAINS):
        expected = references.hinet(x[row], domain, weights, tasks, own, shared)
        np.testing.assert_allclose(y[row], expected, atol=1e-5)


def test_hinet_attention_leaves_out_the_own_domain(randomize):
    network = HiNet(4)
    network.build((None, 5))
    randomize(network)

    attention = np.array(network.attention())

    np.testing.assert_array_equal(np.diag(attention), 0)
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)


def test_hinet_of_one_domain_takes_nothing_from_others(x, randomize):
    network = HiNet(1, units=[4])
    network(x, np.zeros(7, "int32"))
    weights = randomize(network)

    y = network(x, np.zeros(7, "int32"))

    np.testing.assert_array_equal(network.attention(), [[0]])
    np.testing.assert_allclose(y[2], references.hinet(x[2], 0, weights, 1, 2, 2), atol=1e-5)


def test_hinet_rows_of_one_domain_train_the_experts_of_all(x):
    network = HiNet(3, units=[4])
    network(x, DOMAINS)

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(keras.ops.square(network(x, np.ones(7, "int32"))))
    gradient = tape.gradient(loss, network.own.kernels[0].value)

    assert (np.abs(gradient).sum(axis=(1, 2)) > 0).all()


def test_hinet_parameters():
    network = HiNet(3, 2, units=[4], task_units=[6], domain_dim=2)
    network.build((None, 5))

    of_domains = (3 * 2 + 2) * (5 * 4 + 4) + 5 * 2 + 3 * 2 * 5 + 2 * 3 * 2
    of_tasks = (2 * 2 + 2) * (12 * 6 + 6) + 12 * 2 * (2 + 2)
    assert network.count_params() == of_domains + of_tasks


@pytest.mark.parametrize("option", ["own_experts", "shared_experts", "domain_dim"])
def test_hinet_argument_out_of_range(option):
    with pytest.raises(ValueError, match=f"`{option}` must be a positive integer"):
        HiNet(3, **{option: 0})
