import numpy as np

from ctrmoe.layers.domain_networks.activated_experts import activated_experts


def test_activated_experts_have_the_activation_after_every_layer(random, randomize):
    bank = activated_experts(4, units=[5, 3], activation="tanh", rows_per_domain=2)
    x = random.normal(size=(6, 2)).astype("float32")
    bank.build(x.shape)
    weights = randomize(bank)

    y = bank(x)

    hidden = np.tanh(x @ weights["kernel_0"][1] + weights["bias_0"][1])
    expected = np.tanh(hidden @ weights["kernel_1"][1] + weights["bias_1"][1])
    np.testing.assert_allclose(y[:, 1], expected, atol=1e-6)
    assert bank.rows_per_domain == 2
