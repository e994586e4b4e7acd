import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.binomial_null import binomial_moments

CASES = [(1, 0.3), (2, 0.5), (7, 0.02), (60, 0.9), (128, 0.2), (129, 0.3), (400, 0.01), (900, 0.5)]


@pytest.mark.parametrize(("size", "rate"), CASES)
def test_moments_are_those_summed_over_the_distribution(size, rate):
    mean, variance = binomial_moments(np.array([size]), np.array([rate]))

    expected = references.binomial_moments(size, rate)
    assert mean[0] == pytest.approx(expected[0], rel=0.05)
    assert variance[0] == pytest.approx(expected[1], rel=0.15)


def test_rates_at_the_ends_have_no_moments():
    mean, variance = binomial_moments(np.array([3, 3, 1000]), np.array([0.0, 1.0, 0.0]))

    np.testing.assert_allclose([*mean, *variance], 0, atol=0.05)
