from itertools import combinations

import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.three_mr import AGGREGATES, three_mr


def test_complementary_feature_comes_before_a_duplicate():
    relevance = {"best": 1.0, "duplicate": 0.99, "weak": 0.2, "noise": 0.0}
    pairs = [frozenset(p) for p in combinations(relevance, 2)]
    redundancy = dict.fromkeys(pairs, 0.0) | {frozenset(("best", "duplicate")): 1.0}

    order = three_mr(relevance, redundancy, {})

    assert order["feature"].to_list() == ["best", "weak", "duplicate", "noise"]
    assert order["three_mr_rank"].to_list() == [1, 2, 3, 4]
    assert order["redundancy"].to_list() == [0, 0, 0.5, 0]


def test_feature_that_tells_something_together_only_is_drawn_in():
    relevance = {"best": 1.0, "good": 0.5, "half": 0.0}
    relation = {frozenset(("best", "half")): 0.9, frozenset(("best", "good")): 0.1}

    assert three_mr(relevance, {}, relation)["feature"].to_list() == ["best", "half", "good"]
    assert three_mr(relevance, {}, relation, beta=0)["feature"][1] == "good"


@pytest.mark.parametrize("seed", range(5))
def test_order_is_that_of_loops(seed):
    random = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(9)]
    relevance = dict(zip(names, [0.0, 1.0, *random.random(7)], strict=True))
    pairs = [frozenset(p) for p in combinations(names, 2)]
    red, relat = (dict(zip(pairs, [0.0, 1.0, *random.random(34)], strict=True)) for _ in range(2))
    del red[pairs[5]]

    expected = references.three_mr(relevance, red, relat, alpha=0.7, beta=1.2)

    found = three_mr(relevance, red, relat, alpha=0.7, beta=1.2)
    assert found["feature"].to_list() == expected


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_every_aggregate_orders_every_feature(aggregate):
    relevance = {name: i / 5 for i, name in enumerate("abcdef")}

    order = three_mr(relevance, {frozenset("ab"): 0.3}, {}, aggregate=aggregate)

    assert sorted(order["feature"]) == list("abcdef")
