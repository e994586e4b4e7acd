import numpy as np
import polars as pl
import pytest

from ctrmoe.cli import main
from ctrmoe.ranking import rank_combinations, rank_tables
from ctrmoe.schema import Schema, SchemaError

ROWS = 3_000
KINDS = {"a": {}, "b": {}, "text": {}, "price": {"kind": "numeric"}, "tags": {"max_length": 3}}
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [{"name": n, "kind": "categorical"} | more for n, more in KINDS.items()],
    }
)


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(4)
    a, b, text = random.integers(0, 4, (3, ROWS))
    price = random.normal(size=ROWS)
    return pl.DataFrame(
        {
            "a": a,
            "b": [f"v{v}" for v in b],
            "text": [f"1{v}" if v else None for v in text],
            "price": pl.Series(price, dtype=pl.Float32),
            "tags": [[int(v), 3] for v in a],
            "click": ((a + b) % 2) ^ (random.random(ROWS) < 0.1),
            "buy": [None if i % 4 == 0 else int(v > 0.5) for i, v in enumerate(price)],
        }
    )


@pytest.fixture(scope="module")
def tables(frame):
    return rank_combinations(SCHEMA, frame)


def row(pairs, task, a, b):
    return pairs.filter(task=task, feature_a=a, feature_b=b).row(0, named=True)


def test_parity_is_found_at_order_2_and_not_before(tables):
    singles = tables["ranking"].filter(task="click")
    pairs = tables["pairs"].filter(task="click")

    assert not singles["above_noise"].any()
    assert pairs.select("feature_a", "feature_b").row(0) == ("a", "b")
    assert pairs["synergy_above_noise"].to_list() == [True] + 5 * [False]


def test_combination_scores_as_one_feature_of_the_same_values(frame, tables):
    joined = frame.select(
        "click", pair=pl.concat_str("a", pl.col("text").fill_null(""), separator="|")
    )
    schema = Schema.from_dict(
        {
            "name": "shop",
            "tasks": [{"name": "click"}],
            "features": [{"name": "pair", "kind": "categorical"}],
        }
    )
    single = rank_tables(schema, joined)["ranking"].row(0, named=True)

    pair = row(tables["pairs"], "click", "a", "text")

    for name in ("score", "score_std", "p_value", "cardinality"):
        assert pair[name] == pytest.approx(single[name])
    assert pair["coverage"] == pytest.approx(1 - frame["text"].null_count() / ROWS)
    assert pair["cardinality"] == 16


def test_task_counts_its_own_rows(tables):
    buy = tables["pairs"].filter(task="buy")

    assert buy["rows"].unique().to_list() == [ROWS * 3 // 4]
    found = buy.filter("above_noise").select("feature_a", "feature_b").rows()
    assert sorted(found) == [("a", "price"), ("b", "price"), ("text", "price")]


def test_lists_are_left_out_with_a_warning(frame, tables, caplog):
    rank_combinations(SCHEMA, frame[:400])

    assert "Feature `tags` is a list: it is in no combination." in caplog.messages
    assert "tags" not in tables["pairs"]["feature_a"].to_list()
    assert "tags" in tables["ranking"]["feature"].to_list()


def test_same_tables_whatever_the_files_chunks_and_threads(frame, tables, tmp_path):
    frame[:1_100].write_parquet(tmp_path / "a.parquet", row_group_size=300)
    frame[1_100:].write_parquet(tmp_path / "b.parquet")

    found = rank_combinations(SCHEMA, tmp_path, chunk_rows=500, threads=1)

    assert found["pairs"].equals(tables["pairs"])


def test_order_3(frame):
    pairs = rank_combinations(SCHEMA, frame, order=3)["pairs"].filter(task="click")

    assert pairs.height == 4
    assert pairs.filter("synergy_above_noise").select("feature_a", "feature_b").unique().rows() == [
        ("a", "b")
    ]


def test_least_evaluated_counts_parts_of_the_rows(frame):
    pairs = rank_combinations(SCHEMA, frame, combinations=2, choose="least_evaluated")["pairs"]

    assert pairs.filter(task="click")["rows"].to_list() == [1_000] * 6


def test_what_is_asked_for_comes_with_the_pairs(frame):
    tables = rank_combinations(
        SCHEMA, frame, order=2, three_mr=True, given=["a"], forward=2, controls=True
    )

    names = ["ranking", "pairs", "redundancy", "three_mr", "conditional", "forward", "bins"]
    assert list(tables) == names
    assert tables["redundancy"].columns == ["feature_a", "feature_b", "redundancy"]
    assert tables["redundancy"].height == 6
    assert tables["three_mr"].columns[:3] == ["task", "feature", "three_mr_rank"]
    assert tables["three_mr"].group_by("task").len()["len"].to_list() == [4, 4]
    assert tables["conditional"].filter(task="click")["feature"][0] == "b"
    steps = tables["forward"].select("task", "step", "feature").rows()
    assert steps == [("click", 1, "b"), ("buy", 1, "price")]


def test_order_1_is_the_ranking_alone(frame, caplog):
    tables = rank_combinations(SCHEMA, frame, order=1)

    assert list(tables) == ["ranking"]
    assert not caplog.messages
    assert list(rank_combinations(SCHEMA, frame, redundancy=False)) == ["ranking", "pairs", "bins"]
    assert "redundancy" in rank_combinations(SCHEMA, frame, order=3, redundancy=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"order": 5},
            "`order` must lie between 1 and the number of features that are no lists, 4",
        ),
        ({"order": 0}, "`order` must lie between 1 .* Received: 0."),
        ({"choose": "best"}, "`choose` must be one of guided, least_evaluated, random"),
        (
            {"given": ["c"]},
            "`given` must name features that are no lists, each once. Received: 'c'",
        ),
        ({"given": ["a", "a"]}, "`given` must name features .* each once. Received: 'a'"),
        ({"given": ["a", "b", "text", "price"]}, "`given` must leave a feature to score. .*all 4"),
        ({"forward": -1}, "`forward` must not be negative. Received: -1."),
        ({"strata": -1}, "`strata` must not be negative. Received: -1."),
        ({"order": 1, "three_mr": True}, "`three_mr` must come with order 2: .*order=1."),
        ({"combinations": 0}, "`combinations` must be at least 1. Received: 0."),
    ],
)
def test_arguments_out_of_range(frame, options, message):
    with pytest.raises(SchemaError, match=message):
        rank_combinations(SCHEMA, frame, **options)


def test_command_writes_the_pairs_and_says_what_it_found(frame, tmp_path, capsys):
    (tmp_path / "schema.toml").write_text(SCHEMA.dumps())
    frame.write_parquet(tmp_path / "clicks.parquet")
    arguments = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    arguments += ["--out", tmp_path / "out", "--order", "2"]
    arguments += ["--given", "a", "--forward", "1"]

    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])

    assert not ended.value.code
    printed = capsys.readouterr()
    assert "6 combinations of 2 features" in " ".join(printed.err.split())
    assert "1 of 6 combinations tell more than their parts" in " ".join(printed.out.split())
    assert "click: features that add to those before: b (0.3" in " ".join(printed.out.split())
    assert pl.read_parquet(tmp_path / "out" / "pairs.parquet")["feature_a"][0] == "a"
    assert (tmp_path / "out" / "pairs.csv").exists()
