import pytest

from ctrmoe.ranking.estimate import one_sided, two_sided


def test_tails_of_the_normal_distribution():
    assert one_sided(1.6448536) == pytest.approx(0.05)
    assert one_sided(-1.6448536) == pytest.approx(0.95)
    assert two_sided(-1.959964) == pytest.approx(0.05)
