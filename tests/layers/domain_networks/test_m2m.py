import numpy as np
import pytest
import references

from ctrmoe.layers.domain_networks.m2m import M2M

DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


@pytest.fixture
def x(random):
    return random.normal(size=(7, 5)).astype("float32")


@pytest.mark.parametrize("read_input", [False, True])
def test_m2m_equals_the_equations(x, randomize, read_input):
    network = M2M(
        4,
        2,
        units=[6, 4],
        num_experts=3,
        num_layers=2,
        domain_dim=2,
        vector_units=[3, 2],
        read_input=read_input,
    )
    network(x, DOMAINS)
    weights = randomize(network)

    y = network(x, DOMAINS)

    assert y.shape == (7, 2, 4)
    for row, domain in enumerate(DOMAINS):
        expected = references.m2m(x[row], domain, weights, 3, 2, 2, read_input)
        np.testing.assert_allclose(y[row], expected, rtol=1e-4, atol=1e-4)


def test_m2m_rows_of_a_batch_do_not_see_each_other(x, randomize):
    network = M2M(3, units=[4], read_input=True)
    network(x, DOMAINS)
    randomize(network)

    y = np.array(network(x, DOMAINS))
    others = np.concatenate([x[:1], 9 * x[1:]])

    np.testing.assert_allclose(network(others, DOMAINS)[0], y[0], rtol=1e-6)
    assert np.abs(np.array(network(others, DOMAINS))[1:] - y[1:]).max() > 1e-2


def test_m2m_domains_are_told_apart_by_their_vectors_alone(x, randomize):
    network = M2M(3, units=[4])
    network(x, DOMAINS)
    vectors = randomize(network)["domains_vectors"]
    before = np.array(network(x, np.full(7, 1, "int32")))

    network.domains.vectors.assign(vectors[[0, 2, 1]])

    np.testing.assert_allclose(network(x, np.full(7, 2, "int32")), before, rtol=1e-6)
    assert np.abs(np.array(network(x, np.full(7, 1, "int32"))) - before).max() > 1e-2


@pytest.mark.parametrize("read_input", [False, True])
def test_m2m_parameters(read_input):
    network = M2M(3, 2, units=[4], domain_dim=2, vector_units=[3], read_input=read_input)
    network.build((None, 5))

    vector = 3 * 2 + ((7 if read_input else 2) * 3 + 3)
    meta = (3 + 1) * 4 * (9 + 5) + 2 * 4 + 4
    assert network.count_params() == 4 * (5 * 4 + 4) + vector + meta


@pytest.mark.parametrize("option", ["num_experts", "num_layers", "domain_dim"])
def test_m2m_argument_out_of_range(option):
    name = "dim" if option == "domain_dim" else option

    with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
        M2M(3, **{option: 0})
