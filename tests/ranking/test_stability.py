import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.stability import stability, trend, with_agreement

SLICES = 5


def by_time(scores, task="click", std=0.01):
    frames = [
        pl.DataFrame(
            {
                "task": task,
                "slice": np.arange(SLICES),
                "feature": name,
                "score": values,
                "effect": values,
                "effect_std": std,
                "above_noise": name != "noise",
            }
        )
        for name, values in scores.items()
    ]
    table = pl.concat(frames)
    rank = pl.col("score").rank("ordinal", descending=True).over("slice").cast(pl.Int64)
    return table.with_columns(rank=rank)


def test_trend_of_a_line():
    slices = np.arange(4.0)

    value, std, p_value = trend(slices, 1 + 0.5 * slices, np.full(4, 0.1))

    assert value == pytest.approx(0.5)
    assert std == pytest.approx(0.1 / np.sqrt(5))
    assert p_value < 1e-20


def test_trend_of_one_slice_is_not_known():
    assert np.isnan(trend(np.array([1.0]), np.array([0.3]), np.array([0.1])).value)


@pytest.mark.parametrize("wider", [1, 3])
def test_trend_is_rarely_found_where_there_is_none(wider):
    random, slices, stds = np.random.default_rng(7), np.arange(12.0), np.full(12, 0.1)

    p_values = [
        trend(slices, random.normal(2, wider * 0.1, 12), stds).p_value for _ in range(1_000)
    ]

    # The number of slices is small for the normal tail: up to 7 % where the errors are too small.
    assert np.mean(np.array(p_values) < 0.05) < 0.08


def test_features_that_change_are_found():
    steps = np.arange(SLICES)
    scores = {"steady": np.full(SLICES, 0.5), "rising": 0.1 + 0.2 * steps, "noise": 0.0 * steps}

    found = stability(by_time(scores), 0.05)

    rising = found.row(0, named=True)
    assert found["feature"].to_list() == ["rising", "noise", "steady"]
    assert found["differs"].to_list() == [True, False, False]
    assert rising["trend"] == pytest.approx(0.2)
    assert rising["trend_q_value"] < 1e-6
    assert (rising["lowest_slice"], rising["highest_slice"], rising["slices"]) == (0, 4, SLICES)
    assert (rising["rank_min"], rising["rank_max"]) == (1, 2)
    assert found.filter(feature="noise")["rank_mean"].to_list() == [3.0]


def test_feature_without_errors_has_no_trend():
    found = stability(by_time({"a": np.ones(SLICES)}, std=0.0), 0.05)

    assert found.select("trend", "trend_p_value", "trend_q_value", "q_statistic").row(0) == (
        None, None, None, None
    )  # fmt: skip


def test_agreement_is_that_of_the_features_above_noise():
    scores = {"a": [3.0, 3, 1, 1, 1], "b": [2.0, 2, 2, 2, 3], "c": [1.0, 1, 3, 3, 2]}
    scores["noise"] = [9.0, 0, 9, 0, 9]

    table = with_agreement(by_time({name: np.array(v) for name, v in scores.items()}))

    found = table.filter(feature="a")["kendall"].to_list()
    assert found[0] is None
    assert found[1:] == pytest.approx([1, -1, 1, 1 / 3])


def test_two_features_are_too_few_to_agree():
    table = with_agreement(by_time({"a": np.ones(SLICES), "b": np.arange(5.0)}))

    assert table["kendall"].null_count() == table.height
