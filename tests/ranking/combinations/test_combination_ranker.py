import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.combinations.combination_ranker import CombinationRanker


@pytest.fixture(scope="module")
def ranker(reader_of, parity):
    a, b, labels = parity()
    noise = np.random.default_rng(1).integers(0, 30, (6, len(a)))
    columns = {"a": a, "b": b} | {f"n{i}": column for i, column in enumerate(noise)}
    reader = reader_of(pl.DataFrame(columns | {"click": labels.astype(int)}))
    return CombinationRanker(reader, dict.fromkeys(columns, 0.0), 0.05, 1 << 28, 2, 0)


def test_pairs_of_weak_features_are_found_within_a_budget(ranker):
    pairs = ranker.pairs(2, 6, "guided")

    assert pairs.height == 6
    assert pairs.select("feature_a", "feature_b").row(0) == ("a", "b")
    assert pairs["synergy_above_noise"].to_list() == [True] + 5 * [False]


def test_order_3_names_three_members(ranker):
    triples = ranker.pairs(3, 100, "random")

    assert triples.height == 56
    assert triples.filter("synergy_above_noise")["feature_c"].n_unique() == 6
