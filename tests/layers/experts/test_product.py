import numpy as np
import references

from ctrmoe.layers import MLP
from ctrmoe.layers.experts import ProductExperts


def test_equals_the_equations(random, randomize):
    bank = ProductExperts(3, [5, 2], activation="tanh")
    x = random.normal(size=(4, 6)).astype("float32")
    bank.build(x.shape)
    weights = randomize(bank)

    y = bank(x)

    for row in range(4):
        for index in range(3):
            expected = references.expert(x[row], weights, index, shared=True, activation=np.tanh)
            np.testing.assert_allclose(y[row, index], expected, atol=1e-5)


def test_one_expert_is_an_mlp_with_the_product_of_the_weights(random, randomize):
    bank = ProductExperts(1, [5, 2], output_activation="relu")
    x = random.normal(size=(4, 3)).astype("float32")
    bank.build(x.shape)
    weights = randomize(bank)
    mlp = MLP([5, 2])
    mlp.build(x.shape)
    for index, dense in enumerate(mlp.dense_layers):
        kernel = weights[f"kernel_{index}"][0] * weights[f"shared_kernel_{index}"]
        dense.kernel.assign(kernel)
        dense.bias.assign(weights[f"bias_{index}"][0] + weights[f"shared_bias_{index}"])

    np.testing.assert_allclose(bank(x)[:, 0], mlp(x), atol=1e-5)


def test_experts_start_as_one_network(random):
    y = ProductExperts(3, [5, 2])(random.normal(size=(4, 6)).astype("float32")).numpy()

    np.testing.assert_array_equal(y[:, 1], y[:, 0])
    np.testing.assert_array_equal(y[:, 2], y[:, 0])
    assert y.any()


def test_parameters():
    bank = ProductExperts(3, [64, 64, 1])
    bank.build((None, 32))

    assert bank.count_params() == 4 * 6_337  # three of their own and the shared one
