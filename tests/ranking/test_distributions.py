import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.distributions import distributions, first_places, frequent_keys, wilson
from ctrmoe.ranking.keys import MISSING_KEY, number_keys

PLACE = ("shop", "click")


def of(table, names=None):
    return distributions({PLACE: table}, {PLACE: names or {}})


def test_frequent_values_have_a_row_each_and_the_others_one(counted):
    keys = np.repeat(np.arange(20), np.arange(20, 0, -1))
    labels = (keys % 3 == 0).astype(int)

    table = of(counted(keys, labels), {key: f"s{key}" for key in range(20)})

    assert table["value"].to_list() == [f"s{key}" for key in range(12)] + ["(8 others)"]
    assert table["rows"].to_list() == [*range(20, 8, -1), 36]
    assert table["positives"].to_list()[:4] == [20, 0, 0, 17]
    assert table["positives"].sum() == labels.sum()
    assert table["overall_rate"].unique().to_list() == [labels.mean()]
    assert table.select("task", "feature").unique().rows() == [("click", "shop")]


def test_missing_values_are_a_row_of_their_own(counted):
    table = of(counted([1, 1, MISSING_KEY], [0, 1, 1]), {1: "one"})

    assert table.select("value", "rows", "positives").rows() == [("one", 2, 1), ("(missing)", 1, 1)]
    assert table["label_rate"].to_list() == [0.5, 1.0]


def test_value_without_a_text_says_so(counted):
    assert of(counted([1, 2], [0, 1]), {1: "one"})["value"].to_list() == [
        "one", "(not among the rows searched)"
    ]  # fmt: skip


def test_numbers_are_in_bins_of_about_equal_counts(counted):
    values = np.arange(1_200, dtype=np.float32) / 8
    table = of(counted(number_keys(values), values > 75, kind="number"))

    assert table["rows"].to_list() == [100] * 12
    assert table["value"][0] == "0 to 12.38"
    assert table["label_rate"].to_list() == [0.0] * 6 + [0.99] + [1.0] * 5


def test_few_numbers_have_a_row_each(counted):
    values = np.array([0.5, 0.5, 3], np.float32)

    table = of(counted(number_keys(values), [0, 1, 1], kind="number"))

    assert table.select("value", "rows").rows() == [("0.5", 2), ("3", 1)]


def test_ends_of_bins_have_as_many_digits_as_tell_them_apart(counted):
    values = np.array([1_000_001 + i for i in range(24)], np.float32)

    table = of(counted(number_keys(values), values % 2, kind="number"))

    assert table["value"][:2].to_list() == ["1000001 to 1000002", "1000003 to 1000004"]


def test_feature_without_a_value(counted):
    for kind in ("category", "number"):
        table = of(counted([MISSING_KEY] * 4, [0, 1, 1, 1], kind=kind))

        assert table.select("value", "rows", "positives").rows() == [("(missing)", 4, 3)]


def test_values_that_share_buckets_are_counted_by_bucket(counted):
    keys = np.concatenate([np.zeros(500, int), np.arange(4_000)])
    table = counted(keys, keys % 2, max_values=1_024)

    frequent = frequent_keys(table)

    assert frequent[0] == table.coarse(np.array([0]))[0]
    rows = of(table)
    assert rows["rows"][0] >= 501
    assert rows["rows"].sum() == 4_500


def test_wilson_interval_is_that_of_the_score_test():
    low, high = wilson(np.array([0, 3, 10]), np.array([10, 10, 10]))

    assert low == pytest.approx([0, 0.10779, 0.72247], abs=1e-4)
    assert high == pytest.approx([0.27753, 0.60322, 1], abs=1e-4)


def test_first_features_are_those_above_noise_or_three():
    def ranking(task, above, total, control=False):
        return pl.DataFrame(
            {
                "task": task,
                "feature": [f"f{i}" for i in range(total)],
                "above_noise": [i < above for i in range(total)],
                "is_control": control,
            }
        )

    control = ranking("click", 1, 1, control=True)
    table = pl.concat([control, ranking("click", 20, 30), ranking("buy", 1, 30)])

    assert first_places(table) == [(f"f{i}", "click") for i in range(12)] + [
        (f"f{i}", "buy") for i in range(3)
    ]
