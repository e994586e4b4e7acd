import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.breakdown import Breakdown
from ctrmoe.ranking.domains import Domains
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.ranking.scores import CorrectedMI
from ctrmoe.ranking.time_slices import TimeSlices
from ctrmoe.schema import Schema, SchemaError

ROWS = 6_000
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "shop", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 3},
        ],
    }
)
DOMAINS = Domains("country", ["at", "si"])
SLICES = TimeSlices("time", np.array([0.0, 2_000.0, 4_000.0]), np.array([1_999.0, 3_999.0, 1e9]))


def rows():
    """`shop` matters in one country, `price` more and more."""
    random = np.random.default_rng(6)
    shop, price = random.integers(0, 5, ROWS), random.normal(size=ROWS)
    country = random.choice(["si", "at", "li"], ROWS, p=[0.5, 0.4, 0.1])
    time = random.permutation(ROWS)
    logit = -1 + np.where(country == "si", 0.5 * (shop - 2), 0) + 0.5 * (time // 2_000) * price
    return pl.DataFrame(
        {
            "shop": [f"s{v}" for v in shop],
            "price": price,
            "tags": [[int(v), 7] if v % 2 else [] for v in shop],
            "country": country,
            "time": time,
            "click": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(int),
            # Of the task `buy` only one country has both labels.
            "buy": np.where(country == "si", random.integers(0, 2, ROWS), 0),
        }
    )


def tables(chunk=ROWS, threads=None):
    frame, ranker = rows(), Ranker(SCHEMA, parts=[DOMAINS, SLICES], threads=threads)
    for start in range(0, ROWS, chunk):
        ranker.add(frame[start : start + chunk], first_row=start)
    return ranker.tables()


@pytest.fixture(scope="module")
def whole():
    return tables()


def test_ranking_of_a_part_is_that_of_its_rows_alone(whole):
    frame = rows()
    ranker = Ranker(SCHEMA)
    ranker.add(frame.filter(country="si"))
    alone = ranker.result().filter(task="click")

    part = whole["by_domain"].filter(task="click", domain="si")

    columns = ["feature", "rank", "score", "score_std", "p_value", "above_noise", "coverage"]
    assert part.select(columns).equals(alone.select(columns))
    assert part["rows"][0] == frame.filter(country="si").height
    assert part["positives"][0] == frame.filter(country="si")["click"].sum()


def test_features_that_matter_in_one_domain_differ(whole):
    found = whole["heterogeneity"].filter(task="click")

    assert found.filter("differs")["feature"].sort().to_list() == ["shop", "tags"]
    assert found.filter(feature="shop")["highest_domain"].to_list() == ["si"]


def test_features_that_matter_more_and_more_have_a_trend(whole):
    found = whole["stability"].filter(task="click").row(0, named=True)

    assert found["feature"] == "price"
    assert found["trend"] > 0
    assert found["trend_q_value"] < 0.05
    assert whole["by_time"]["first_time"].unique().sort().to_list() == [0, 2_000, 4_000]


def test_part_without_both_labels_of_a_task_has_no_ranking_for_it(whole):
    found = whole["by_domain"].filter(task="buy")

    assert found["domain"].unique().to_list() == ["si"]
    assert whole["by_domain"]["task"].unique(maintain_order=True).to_list() == ["click", "buy"]


def test_effects_are_divided_by_the_variance_of_the_label(whole):
    for row in whole["by_domain"].iter_rows(named=True):
        rate = row["positives"] / row["rows"]
        assert row["effect"] == pytest.approx(row["score"] / (rate * (1 - rate)))


@pytest.mark.parametrize(("chunk", "threads"), [(999, 1), (100, 3)])
def test_same_tables_whatever_the_chunks_and_threads(chunk, threads, whole):
    found = tables(chunk, threads)

    assert set(found) == set(whole)
    assert all(found[name].equals(table) for name, table in whole.items())


def test_merged_rankers_have_the_tables_of_all_rows(whole):
    frame = rows()
    first, second = (Ranker(SCHEMA, parts=[DOMAINS, SLICES]) for _ in range(2))
    first.add(frame[4_000:], first_row=4_000)
    second.add(frame[:4_000])

    first.merge(second)

    assert all(table.equals(whole[name]) for name, table in first.tables().items())


def test_auc_is_its_own_effect():
    ranker = Ranker(SCHEMA, parts=[DOMAINS], score="auc")
    ranker.add(rows())

    found = ranker.tables()["by_domain"].drop_nulls("score")

    assert found["effect"].equals(found["score"], check_names=False)


def test_memory_is_divided_among_the_whole_and_the_parts():
    ranker = Ranker(SCHEMA, parts=[DOMAINS, SLICES], memory=48 << 20)

    # 6 tables of all rows, 12 and 18 of parts.
    assert ranker.max_values == Ranker(SCHEMA, memory=16 << 20).max_values == 1 << 15
    assert [b.max_values for b in ranker.breakdowns] == [1 << 14, 1 << 13]
    assert ranker.memory <= 48 << 20


def test_no_part_with_both_labels():
    breakdown = Breakdown(DOMAINS, SCHEMA, 1 << 30)

    with pytest.raises(SchemaError, match="A domain must have rows of label 0 and of label 1"):
        breakdown.result("corrected_mi", CorrectedMI(), 0.05, [], {})
