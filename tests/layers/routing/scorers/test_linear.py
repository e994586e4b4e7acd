import numpy as np
import pytest

from ctrmoe.layers.routing.scorers import LinearScorer


def test_linear_is_a_product(random, variables):
    scorer = LinearScorer(3, use_bias=True)
    x = random.normal(size=(4, 5)).astype("float32")
    z = scorer(x, context={})
    kernel, bias = (variables(scorer)[f"logits_{name}"] for name in ("kernel", "bias"))
    bias.assign([1.0, 2.0, 3.0])

    np.testing.assert_allclose(scorer(x, context={}), x @ kernel.numpy() + [1, 2, 3], atol=1e-5)
    assert z.shape == (4, 3)


def test_number_of_experts_must_be_positive():
    with pytest.raises(ValueError, match="`num_experts` must be a positive integer"):
        LinearScorer(0)
