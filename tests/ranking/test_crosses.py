import numpy as np
import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.ranking import rank, rank_combinations, select
from ctrmoe.ranking.crosses import crosses_of
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "price", "kind": "numeric", "transform": "log"},
            {"name": "size", "kind": "numeric", "source": "price", "transform": "sqrt_abs"},
            {"name": "price at 2", "kind": "numeric", "source": "price"}
            | {"where": {"column": "hour", "equals": 2}},
            {"name": "words", "kind": "categorical", "max_length": 3, "separator": "|"},
            {"name": "has a", "kind": "categorical", "source": "tags", "contains": "a"},
            {"name": "both", "kind": "categorical", "cross": ["user", "hour"]},
        ],
    }
)
BINS = pl.DataFrame(
    {
        "task": ["click"] * 4 + ["buy"] * 2,
        "feature": ["price"] * 3 + ["size", "price", "price"],
        "lower": pl.Series([-1.0, 0.1, 2.5, 7.0, -1.0, 0.2], dtype=pl.Float32),
    }
)


def pairs(*members, task="click"):
    """Of the greatest synergy first."""
    rows = [
        {"task": task, "feature_a": a, "feature_b": b, "synergy": 1 / place}
        | {"synergy_above_noise": True}
        for place, (a, b) in enumerate(members, 1)
    ]
    return pl.DataFrame(rows)


def test_number_is_crossed_by_the_ranges_of_the_task_of_the_pair():
    (cross,) = crosses_of(SCHEMA, pairs(("price", "user")), BINS)
    (of_buy,) = crosses_of(SCHEMA, pairs(("user", "price"), task="buy"), BINS)

    assert (cross.name, cross.cross) == ("price x user", ("price", "user"))
    assert cross.cross_edges == ((0.1, 2.5), ())
    assert of_buy.cross_edges == ((), (0.2,))
    chosen = SCHEMA.replace(features=(*SCHEMA.features, cross))
    assert Schema.from_dict(chosen.to_dict()) == chosen


def test_number_of_one_range_is_told_from_what_is_missing():
    (cross,) = crosses_of(SCHEMA, pairs(("size", "user")), BINS)

    assert cross.cross_edges == ((7.0,), ())


@pytest.mark.parametrize(
    "members",
    [
        ("user", "words"),
        ("user", "has a"),
        ("user", "both"),
        ("user", "price at 2"),
        ("price", "size"),
    ],
)
def test_pair_that_can_not_be_crossed_is_named(members, caplog):
    bins = pl.concat([BINS, BINS[:1].with_columns(feature=pl.lit("price at 2"))])

    crosses = crosses_of(SCHEMA, pairs(members, ("price", "user")), bins)

    assert [cross.name for cross in crosses] == ["price x user"]
    assert "1 of 2 combinations with synergy above noise can't be crossed, such as" in caplog.text
    assert f"`{members[0]}` and `{members[1]}`: only different columns of one" in caplog.text


def test_number_without_known_ranges(caplog):
    assert not crosses_of(SCHEMA, pairs(("price", "user")), None)
    assert "`price` and `user`: only different columns" in caplog.text


def test_cross_of_numbers_scores_as_the_pair_that_it_was_chosen_for():
    """Neither tells anything alone; what `prepare` makes of the schema is what was ranked."""
    random = np.random.default_rng(7)
    balance = random.normal(size=5_000)
    frame = pl.DataFrame(
        {
            "balance": np.where(random.random(5_000) < 0.1, np.nan, balance),
            "rounded": balance.round(1) + random.normal(size=5_000).round(1),
            "shop": random.integers(0, 2, 5_000),
        }
    )
    sign = ((balance > 0) ^ (frame["shop"].to_numpy() > 0)).astype(int)
    frame = frame.with_columns(click=(random.random(5_000) < 0.1 + 0.3 * sign).astype(int))
    features = [
        {"name": "balance", "kind": "numeric", "transform": "standard", "buckets": 8},
        {"name": "rounded", "kind": "numeric", "transform": "log", "buckets": 4},
        {"name": "shop", "kind": "categorical"},
    ]
    schema = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": features})
    tables = rank_combinations(schema, frame)

    ranked = (tables[name] for name in ("ranking", "pairs"))
    chosen = select(schema, *ranked, count=1, crosses=2, bins=tables["bins"])

    names = [feature.name for feature in chosen.features if feature.cross]
    assert names == ["balance x shop", "rounded x shop"]
    alone = rank(chosen, frame).filter(pl.col("feature").is_in(names)).sort("feature")
    pair = tables["pairs"].filter(feature_b="shop").sort("feature_a")
    for column in ("score", "p_value", "cardinality"):
        assert alone[column].to_list() == pytest.approx(pair[column].to_list())
    encoder = Encoder.fit(chosen, frame)
    assert [encoder.vocabulary_size(n) - 3 for n in names] == pair["cardinality"].to_list()
