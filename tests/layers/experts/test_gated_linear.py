import numpy as np
import pytest
import references

from ctrmoe.layers.experts import GatedLinearExperts


def test_equals_the_equations(random, randomize):
    bank = GatedLinearExperts(3, 5, 2)
    x = random.normal(size=(4, 6)).astype("float32")
    bank.build(x.shape)
    weights = randomize(bank)

    y = bank(x)

    for row in range(4):
        for index in range(3):
            expected = references.gated_linear_expert(x[row], weights, index)
            np.testing.assert_allclose(y[row, index], expected, atol=1e-5)


def test_parameters():
    bank = GatedLinearExperts(4, 5, 2)
    bank.build((None, 3))

    assert bank.count_params() == 4 * (2 * (3 * 5 + 5) + 5 * 2 + 2)


def test_argument_out_of_range():
    with pytest.raises(ValueError, match="`hidden_units` must be a positive integer"):
        GatedLinearExperts(2, 0, 3)
