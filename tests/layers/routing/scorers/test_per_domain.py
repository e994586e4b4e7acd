import numpy as np
import pytest

from ctrmoe.layers.routing.scorers import PerDomainScorer


def test_each_row_has_the_gate_of_its_domain(random, randomize):
    scorer = PerDomainScorer(4, 3)
    x = random.normal(size=(7, 5)).astype("float32")
    domain = np.array([2, 0, 1, 1, 3, 2, -1], "int32")  # the fifth and the last are none
    scorer(x, context={"domain": domain})
    w = randomize(scorer)

    z = scorer(x, context={"domain": domain})

    own = [2, 0, 1, 1, 0, 2, 0]
    expected = [
        row @ w["gates_bank_kernel_0"][d] + w["gates_bank_bias_0"][d]
        for row, d in zip(x, own, strict=True)
    ]
    np.testing.assert_allclose(z, expected, atol=1e-5)


def test_gates_of_zeros_weigh_all_experts_the_same(random):
    scorer = PerDomainScorer(4, 3, kernel_initializer="zeros")
    x = random.normal(size=(2, 5)).astype("float32")

    z = scorer(x, context={"domain": np.array([1, 2], "int32")})

    np.testing.assert_array_equal(z, np.zeros((2, 4)))


def test_number_of_domains_must_be_positive():
    with pytest.raises(ValueError, match="`num_domains` must be a positive integer"):
        PerDomainScorer(4, 0)
