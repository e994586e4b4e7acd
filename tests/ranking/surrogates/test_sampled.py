import numpy as np
import polars as pl
import pytest

from ctrmoe.cli import main
from ctrmoe.ranking import rank, rank_tables
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.ranking.surrogates import OneHotLogistic
from ctrmoe.schema import Schema, SchemaError

ROWS = 3_000
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "domain": "country",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "shop", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 3},
            {"name": "noise", "kind": "categorical"},
        ],
    }
)


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(31)
    shop, price = random.integers(0, 4, ROWS), random.normal(size=ROWS)
    logit = -1 + 0.7 * (shop - 1.5) + price
    return pl.DataFrame(
        {
            "shop": [f"s{v}" for v in shop],
            "price": np.where(np.arange(ROWS) % 7, price, np.nan),
            "tags": [[int(v), 9] if v % 2 else [] for v in shop],
            "noise": random.integers(0, 300, ROWS),
            "country": ["si", "at"] * (ROWS // 2),
            "click": (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(int),
            "buy": [int(v) if i % 3 else None for i, v in enumerate(random.integers(0, 2, ROWS))],
        }
    )


def test_ranking_by_a_model_has_the_counted_scores_beside_it(rows):
    ranking = rank(SCHEMA, rows, score="surrogate", seed=2)
    counted = rank(SCHEMA, rows, seed=2)

    click = ranking.filter(task="click")
    assert set(click.filter("above_noise")["feature"]) == {"shop", "price", "tags"}
    assert click["score"].equals(click["surrogate"], check_names=False)
    assert not ranking.filter(task="buy")["above_noise"].any()
    columns = ["feature", "corrected_mi", "auc", "rows"]
    assert ranking.select(columns).sort(columns).equals(counted.select(columns).sort(columns))


def test_reference_takes_the_gain_of_what_it_tells(rows):
    score = OneHotLogistic(reference=["shop"], rows=2_500)

    ranking = rank(SCHEMA, rows, score=score).filter(task="click")

    assert ranking.filter("above_noise")["feature"].to_list() == ["price"]


def test_same_ranking_whatever_the_chunks_and_merges(rows):
    score = OneHotLogistic(rows=500)
    whole, first, second = (Ranker(SCHEMA, score=score) for _ in range(3))
    whole.add(rows)
    for start in range(1_000, ROWS, 250):
        first.add(rows[start : start + 250], first_row=start)
    second.add(rows[:1_000])

    first.merge(second)

    assert first.result().equals(whole.result())


def test_controls_but_the_labels_are_scored_and_parts_are_counted(rows):
    tables = rank_tables(
        SCHEMA, rows, score=OneHotLogistic(rows=1_000), controls=True, by_domain=True
    )

    controls = tables["ranking"].filter("is_control", task="click")
    unknown = controls.filter(pl.col("score").is_null())["feature"].sort().to_list()
    assert unknown == ["control:label", "control:noisy_label", "control:permuted_label"]
    assert not controls["above_noise"].any()
    assert tables["by_domain"]["score"].is_not_null().all()


def test_lightgbm_ranks_by_its_gain(rows):
    ranking = rank(SCHEMA, rows, score="lightgbm_gain", repeats=4).filter(task="click")

    assert ranking["feature"][:2].sort().to_list() == ["price", "shop"]
    assert ranking.filter(feature="tags")["score"].to_list() == [None]


def test_reference_that_is_no_feature():
    with pytest.raises(SchemaError, match="`reference` must name features. Received: 'shopp'"):
        Ranker(SCHEMA, score=OneHotLogistic(reference=["shopp"]))


def test_task_without_both_labels_in_the_sample_has_no_scores(rows):
    rare = rows.with_columns(buy=pl.when(pl.int_range(pl.len()) < 2).then(pl.int_range(pl.len())))

    ranking = rank(SCHEMA, rare, score=OneHotLogistic(rows=200))

    assert ranking.filter(task="buy")["score"].null_count() == 4
    assert ranking.filter(task="click")["score"].null_count() == 0


def test_command_ranks_on_top_of_a_reference(rows, tmp_path, capsys):
    (tmp_path / "schema.toml").write_text(SCHEMA.dumps())
    rows.write_parquet(tmp_path / "rows.parquet")
    arguments = ["rank", tmp_path / "rows.parquet", "--schema", tmp_path / "schema.toml"]
    arguments += ["--out", tmp_path / "out", "--score", "surrogate", "--reference", "shop,price"]

    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in [*arguments, "--sample-rows", "2000"]])

    assert not ended.value.code
    assert "The score is that of 2,000 rows at most." in " ".join(capsys.readouterr().err.split())
    ranking = pl.read_parquet(tmp_path / "out" / "ranking.parquet").filter(task="click")
    assert not ranking["above_noise"].any()
    assert ranking["surrogate"].is_not_null().all()
