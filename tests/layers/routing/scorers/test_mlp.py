import numpy as np

from ctrmoe.layers.routing.scorers import MLPScorer


def test_mlp_is_not_linear(random, variables):
    scorer = MLPScorer(3, [6], activation="tanh")
    x = random.normal(size=(4, 5)).astype("float32")
    z = np.asarray(scorer(x, context={}))
    w = {name: weight.numpy() for name, weight in variables(scorer).items()}

    hidden = np.tanh(x @ w["mlp_dense_0_kernel"] + w["mlp_dense_0_bias"])
    expected = hidden @ w["logits_kernel"] + w["logits_bias"]
    np.testing.assert_allclose(z, expected, atol=1e-5)
