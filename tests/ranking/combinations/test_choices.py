import math
from collections import Counter

import pytest

from ctrmoe.ranking.combinations.choices import (
    CHOICES,
    Single,
    check_choice,
    chosen_combinations,
)
from ctrmoe.schema import SchemaError

SINGLES = [Single(f"f{i:02d}", score=i / 100, values=(7 * i) % 20 + 2) for i in range(20)]


@pytest.mark.parametrize("kind", CHOICES)
@pytest.mark.parametrize("order", [2, 3])
def test_all_where_there_are_no_more(kind, order):
    (batch,) = chosen_combinations(kind, order, 5_000, SINGLES, seed=1)

    assert len(set(batch.combinations)) == math.comb(20, order)
    assert batch.of == 1


@pytest.mark.parametrize("kind", ["guided", "random"])
@pytest.mark.parametrize("order", [2, 3])
def test_so_many_distinct_ones_in_the_order_of_the_features(kind, order):
    (batch,) = chosen_combinations(kind, order, 60, SINGLES, seed=1)

    assert len(set(batch.combinations)) == len(batch.combinations) == 60
    assert all(list(names) == sorted(set(names)) for names in batch.combinations)
    assert [batch] == chosen_combinations(kind, order, 60, SINGLES, seed=1)
    assert [batch] != chosen_combinations(kind, order, 60, SINGLES, seed=2)


def test_guided_tries_strong_features_and_small_ones():
    (batch,) = chosen_combinations("guided", 2, 40, SINGLES, seed=1)

    smallest = sorted(SINGLES, key=lambda single: single.values)[:2]
    assert ("f18", "f19") in batch.combinations
    assert tuple(sorted(single.name for single in smallest)) in batch.combinations
    assert len({name for names in batch.combinations for name in names}) > 9


def test_least_evaluated_counts_each_about_as_often():
    batches = chosen_combinations("least_evaluated", 2, 60, SINGLES, seed=1)

    evaluated = Counter({c: len(b.slices) for b in batches for c in b.combinations})
    assert len(evaluated) == 190
    assert set(evaluated.values()) <= {1, 2}
    of_slice = Counter(s for b in batches for _ in b.combinations for s in b.slices)
    assert of_slice == {number: 60 for number in range(4)}


def test_more_combinations_than_can_be_listed():
    many = [Single(f"{i}", 0.0, 2) for i in range(1_000)]

    (batch,) = chosen_combinations("random", 4, 50, many, seed=1)

    assert len(set(batch.combinations)) == 50
    with pytest.raises(SchemaError, match="must be `guided` or `random` for more than 16,777,216"):
        chosen_combinations("least_evaluated", 4, 50, many, seed=1)


def test_arguments_out_of_range():
    with pytest.raises(SchemaError, match="`choose` must be one of guided.*Did you mean `random`"):
        check_choice("randon", 5)
    with pytest.raises(SchemaError, match="`combinations` must be at least 1. Received: 0."):
        check_choice("random", 0)
