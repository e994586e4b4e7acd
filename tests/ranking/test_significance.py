import numpy as np
import pytest

from ctrmoe.ranking.significance import family_p_values, q_values

P = np.array([0.04, np.nan, 0.01, 0.03, 0.9])


def test_q_values_of_benjamini_and_hochberg():
    # 4 p-values: 0.01·4/1, min(0.03·4/2, 0.04·4/3), 0.04·4/3, 0.9
    expected = [0.16 / 3, np.nan, 0.04, 0.16 / 3, 0.9]

    np.testing.assert_allclose(q_values(P), expected)


def test_family_p_values_of_holm():
    # 0.01·4, 0.03·3, max(0.09, 0.04·2), 0.9
    np.testing.assert_allclose(family_p_values(P), [0.09, np.nan, 0.04, 0.09, 0.9])


@pytest.mark.parametrize("adjust", [q_values, family_p_values])
def test_no_probability_above_one(adjust):
    assert adjust(np.array([0.8, 0.9, 0.7])).max() <= 1
