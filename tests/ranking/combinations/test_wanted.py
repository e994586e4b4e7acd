import pytest

from ctrmoe.ranking.combinations.wanted import Wanted

NOTHING = (1, 10, "guided", False, False, (), 0, 0)


def test_single_features_alone():
    assert Wanted(*NOTHING).nothing


@pytest.mark.parametrize(("place", "value"), [(0, 2), (3, True), (4, True), (5, ["a"]), (6, 1)])
def test_anything_beside_them(place, value):
    arguments = list(NOTHING)
    arguments[place] = value

    assert not Wanted(*arguments).nothing
