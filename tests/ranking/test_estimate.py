import pytest

from ctrmoe.ranking.estimate import Estimate, columns_of, one_sided, two_sided


def test_tails_of_the_normal_distribution():
    assert one_sided(1.6448536) == pytest.approx(0.05)
    assert one_sided(-1.6448536) == pytest.approx(0.95)
    assert two_sided(-1.959964) == pytest.approx(0.05)


def test_columns_are_named_after_the_score():
    columns = columns_of({"auc": Estimate(0.6, 0.1, 0.02)})

    assert columns == {"auc": 0.6, "auc_std": 0.1, "auc_p_value": 0.02}
