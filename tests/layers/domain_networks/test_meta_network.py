import numpy as np
import pytest
import references

from ctrmoe.layers.domain_networks.meta_network import MetaNetwork


@pytest.mark.parametrize(("tasks", "views", "layers"), [(2, 3, 2), (1, 1, 1)])
def test_meta_network_equals_the_equations(random, randomize, tasks, views, layers):
    meta = MetaNetwork(tasks, 4, num_layers=layers)
    x = random.normal(size=(2, 3, views * 4)).astype("float32")
    vectors = random.normal(size=(2, 5)).astype("float32")
    meta(x, vectors)
    weights = randomize(meta)

    y = meta(x, vectors)

    assert y.shape == (2, 3, tasks * 4)
    for block in range(2):
        for row in range(3):
            of_row = x[block, row].reshape(views, 4)
            expected = references.meta_network(of_row, vectors[block], weights, layers)
            np.testing.assert_allclose(y[block, row], np.ravel(expected), atol=1e-4)


def test_meta_network_starts_with_a_matrix_of_all_vectors_and_no_bias(random):
    meta = MetaNetwork(1, 4)
    meta.build((None, None, 8), (None, 5))

    tensors = meta.generate(np.zeros((2, 5), "float32"))

    np.testing.assert_array_equal(tensors["kernel_0"][0], tensors["kernel_0"][1])
    assert 0.1 < np.std(tensors["kernel_0"]) < 1
    assert 0.1 < np.std(tensors["views"]) < 1
    np.testing.assert_array_equal(tensors["bias_0"], 0)


def test_meta_network_parameters():
    meta = MetaNetwork(3, 4, num_layers=2)
    meta.build((None, None, 8), (None, 5))

    assert meta.count_params() == (5 + 1) * 4 * (9 + 2 * 5) + 3 * 4 + 4


@pytest.mark.parametrize("option", ["num_tasks", "units", "num_layers"])
def test_meta_network_argument_out_of_range(option):
    options = {"num_tasks": 2, "units": 4, option: 0}

    with pytest.raises(ValueError, match=f"`{option}` must be a positive integer"):
        MetaNetwork(**options)
