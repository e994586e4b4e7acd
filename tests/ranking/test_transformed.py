import dataclasses

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ctrmoe.data.encode import Encoder
from ctrmoe.ranking import rank, rank_combinations, select
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.domains import Domains
from ctrmoe.ranking.keys import Keys, number_keys
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.ranking.transformed import with_candidates
from ctrmoe.schema import Feature, Schema, SchemaError, Task
from ctrmoe.transforms import PRESETS

SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"),),
    features=(
        Feature(name="balance", kind="numeric"),
        Feature(name="user", kind="categorical"),
        Feature(name="empty", kind="numeric"),
    ),
)


def table(rows=4_000):
    """The size of the balance tells the label, its sign does not."""
    random = np.random.default_rng(6)
    balance = random.normal(size=rows).round(2)
    return pl.DataFrame(
        {
            "balance": balance,
            "user": random.integers(0, 9, rows),
            "empty": np.zeros(rows),
            "click": (random.random(rows) < 0.1 + 0.4 * (np.abs(balance) > 1)).astype(int),
        }
    )


def test_candidates_are_ranked_beside_their_sources():
    ranking = rank(SCHEMA, table(), transformers="default")

    names = set(ranking["feature"])
    assert {"balance", "user", "empty", "balance sqrt_abs", "balance asinh"} <= names
    # `nonzero` is 1 in nearly all rows, and no number of `empty` differs from another.
    assert "balance nonzero" not in names
    assert not any(name.startswith("empty ") for name in names)
    assert not ranking["is_control"].any()
    assert ranking.filter(feature="balance log_signed")["coverage"].item() < 1
    coverage = ranking.filter(feature="balance sqrt")["coverage"].item()
    assert coverage == pytest.approx((table()["balance"] >= 0).mean())


def test_counts_are_those_of_a_column_of_transformed_numbers():
    """The same figures as of the numbers transformed row by row before the ranking."""
    frame = table()
    found = rank(SCHEMA, frame, transformers="minimal").filter(feature="balance log1p_abs")
    written_out = frame.with_columns(
        pl.col("balance").cast(pl.Float32).cast(pl.Float64).abs().log1p().alias("balance log1p_abs")
    )
    plain = SCHEMA.replace(features=(Feature(name="balance log1p_abs", kind="numeric"),))

    expected = rank(plain, written_out)

    figures = [
        name for name in expected.columns if name not in ("rank", "q_value", "family_p_value")
    ]
    assert_frame_equal(found.select(figures), expected.select(figures), rel_tol=1e-6)


@pytest.mark.parametrize("transform", ["log1p_abs", "maximum_share", "log_square"])
def test_feature_is_ranked_as_the_model_reads_it(transform):
    """A schema that a ranking with formulas chose ranks as that ranking did."""
    own = Feature(name="size", kind="numeric", source="balance", transform=transform)
    schema, frame = SCHEMA.replace(features=(*SCHEMA.features, own)), table()
    written_out = Encoder.fit(schema, frame).encode(frame).values[:, 2]
    expected = rank(
        SCHEMA.replace(features=(Feature(name="size", kind="numeric"),)),
        frame.with_columns(size=written_out),
    )

    found = rank(schema, frame).filter(feature="size")

    for column in ("score", "p_value", "auc", "cardinality", "coverage"):
        assert found[column].item() == pytest.approx(expected[column].item(), rel=1e-5)
    assert found["score"].item() != rank(SCHEMA, frame).filter(feature="balance")["score"].item()


def test_pairs_take_the_numbers_of_the_formula():
    frame = table().with_columns(shop=pl.col("user") % 2)
    size = (frame["balance"].abs() > 1) ^ (frame["shop"] > 0)
    frame = frame.with_columns(click=size.cast(int))
    own = Feature(name="balance", kind="numeric", transform="sqrt_abs", buckets=4)
    features = (own, Feature(name="shop", kind="categorical"))

    pairs = rank_combinations(SCHEMA.replace(features=features), frame)["pairs"]

    written_out = frame.with_columns(pl.col("balance").cast(pl.Float32).abs().sqrt())
    plain = (dataclasses.replace(own, transform="none"), features[1])
    expected = rank_combinations(SCHEMA.replace(features=plain), written_out)["pairs"]
    assert_frame_equal(pairs, expected)


def test_parts_have_the_candidates_of_the_whole():
    frame = table().with_columns(shop=pl.Series(["a", "b"] * 2_000))
    schema = SCHEMA.replace(domain="shop")
    ranker = Ranker(schema, parts=[Domains("shop", ["a", "b"])], transformers="default")
    ranker.add(frame)

    tables = ranker.tables()

    part, rows = tables["by_domain"].filter(domain="a"), frame.filter(shop="a")
    assert set(part["feature"]) == set(tables["ranking"]["feature"])
    alone = rank(schema, rows, transformers="default").filter(feature="balance sqrt_abs")
    found = part.filter(feature="balance sqrt_abs")
    for column in ("score", "p_value", "coverage"):
        assert found[column].item() == pytest.approx(alone[column].item())
    assert "balance log1p_abs" in tables["heterogeneity"]["feature"].to_list()


def test_model_scores_a_number_by_its_formula():
    own = Feature(name="size", kind="numeric", source="balance", transform="sqrt_abs")
    frame = table().with_columns(size=pl.col("balance").cast(pl.Float32).abs().sqrt())
    plain = SCHEMA.replace(features=(Feature(name="size", kind="numeric"),))

    found, expected = (
        rank(schema, frame, score="surrogate")["score"].item()
        for schema in (SCHEMA.replace(features=(own,)), plain)
    )

    assert found == pytest.approx(expected)


def test_ranking_of_the_sources_stays():
    frame, figures = table(), ["feature", "score", "p_value", "auc"]

    found = rank(SCHEMA, frame, transformers="default").filter(
        pl.col("feature").is_in(["balance", "user", "empty"])
    )

    assert_frame_equal(
        found.select(figures).sort("feature"), rank(SCHEMA, frame).select(figures).sort("feature")
    )


def test_formulas_that_change_no_score_are_not_chosen_beside_their_number():
    """`asinh` of a number orders it as it was; its root of the size joins both signs."""
    frame, tried = table(), with_candidates(SCHEMA, "default")
    ranking = rank(SCHEMA, frame, transformers="default")

    chosen = select(tried, ranking)

    names = [feature.name for feature in chosen.features]
    assert "balance" in names and "balance asinh" not in names
    assert len({"balance sqrt_abs", "balance log1p_abs"} & set(names)) == 1
    assert "user" not in names
    (absolute,) = {"balance sqrt_abs", "balance log1p_abs"} & set(names)
    assert chosen[absolute].source == "balance"
    assert chosen[absolute].transform in PRESETS["minimal"]


def test_names_that_are_taken_are_left_alone():
    own = Feature(name="balance sqrt", kind="numeric", source="balance", transform="log")

    tried = with_candidates(SCHEMA.replace(features=(*SCHEMA.features, own)), "minimal")

    assert tried["balance sqrt"] == own


def test_mapped_counts_join_values_and_miss_what_is_none():
    counted = ContingencyTable("number")
    numbers = np.array([-2, -1, 1, 2, 2, np.nan], np.float32)
    counted.add(Keys(number_keys(numbers)), np.array([0, 1, 1, 0, 1, 1]), np.zeros(6, np.int8))

    mapped = counted.mapped(np.array([4, np.nan, 1, 4], np.float32))

    values, counts = mapped.ordered_counts
    assert values.tolist() == [1, 4]
    assert counts.tolist() == [[0, 1], [2, 1]]
    assert mapped.missing_counts.tolist() == [0, 2]
    assert mapped.coverage == pytest.approx(4 / 6)


def test_exactness_of_coarse_counts_is_handed_down():
    counted = ContingencyTable("number", max_values=1 << 10)
    numbers = np.random.default_rng(1).random(5_000).astype(np.float32)
    counted.add(Keys(number_keys(numbers)), np.ones(5_000, int), np.zeros(5_000, np.int8))

    assert not counted.is_exact
    assert not counted.mapped(np.ones(len(counted.ordered_counts[0]), np.float32)).is_exact


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"transformers": "all"},
            "`transformers` must be minimal or default or fw or .* Received: 'all'",
        ),
        ({"transformers": "minimal", "score": "surrogate"}, "must be left out where a model"),
    ],
)
def test_option_that_does_not_fit(options, message):
    with pytest.raises(SchemaError, match=message):
        rank(SCHEMA, table(100), **options)
