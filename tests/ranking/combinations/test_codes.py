import numpy as np
import pytest

from ctrmoe.ranking.combinations.codes import Codes, JointIndex


def test_places_tell_combinations_apart(codes_of):
    codes = codes_of([0] * 4, a=[1, 12, 12, 1], b=[23, 3, 3, 3])

    index = JointIndex(codes, ["a", "b"])

    assert index.places[1] == index.places[2]
    assert len(set(index.places.tolist())) == 3
    assert index.size == 13 * 24


def test_order_of_the_features_is_no_matter_for_what_is_told_apart(codes_of):
    random = np.random.default_rng(2)
    codes = codes_of([0] * 500, a=random.integers(0, 9, 500), b=random.integers(0, 300, 500))

    one, other = (JointIndex(codes, names).places for names in (["a", "b"], ["b", "a"]))

    assert len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(one.tolist()))


@pytest.mark.parametrize("largest", [5, 3_000_000], ids=["short", "renumbered"])
def test_members_of_places_are_the_categories(largest):
    random = np.random.default_rng(3)
    columns = {name: random.integers(0, largest, 400, np.uint32) for name in "abcd"}
    sizes = dict.fromkeys(columns, largest)
    codes = Codes(columns, sizes, dict.fromkeys(columns), np.zeros(400, np.uint8))

    index = JointIndex(codes, list("abcd"))

    assert index.size < 1 << 63
    assert len(np.unique(index.places)) == len(set(zip(*columns.values(), strict=True)))
    for column, member in zip(columns.values(), index.members(index.places), strict=True):
        np.testing.assert_array_equal(member, column)


def test_coverage_counts_rows_with_every_value(codes_of):
    codes = codes_of([0] * 4, missing=("a", "b"), a=[0, 1, 2, 2], b=[1, 0, 0, 1], c=[0, 0, 0, 0])

    assert codes.coverage(["a", "b"]) == 0.25
    assert codes.coverage(["a", "c"]) == 0.5
    assert codes.coverage(["c"]) == 1


def test_chosen_rows(codes_of):
    codes = codes_of([0, 1, 0], a=[0, 1, 2]).of_rows(np.array([False, True, True]))

    assert codes.labels.tolist() == [1, 0]
    assert codes.columns["a"].tolist() == [1, 2]
