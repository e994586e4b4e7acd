from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ctrmoe.cli import main
from ctrmoe.data.prepare import prepare
from ctrmoe.limits import Limits
from ctrmoe.ranking import rank, rank_combinations
from ctrmoe.ranking.selection import parse_count, select, write_selection
from ctrmoe.schema import Feature, Schema, SchemaError, Task

NAMES = ("user", "item", "noise", "price", "history")
SCHEMA = Schema(
    name="shop",
    tasks=(Task(name="click"), Task(name="buy")),
    features=(
        Feature(name="user", kind="categorical", min_count=3),
        Feature(name="item", kind="categorical", min_count=2, oov_buckets=4),
        Feature(name="noise", kind="categorical", source="hour"),
        Feature(name="price", kind="numeric"),
        Feature(name="history", kind="sequence", max_length=3, vocabulary="item"),
        Feature(name="seen", kind="sequence", max_length=5, vocabulary="item"),
    ),
    domain="place",
    limits=Limits(columns={"user": {"unique": 1.0}, "hour": {"rare": 1.0}, "place": {"psi": 1.0}}),
)


def ranking(*by_task, above=3):
    """Features from the best on, for each task; so many of them above noise."""
    rows = [
        {"task": task, "feature": name, "rank": place, "score": 1 / place}
        | {"above_noise": place <= above}
        for task, names in zip(("click", "buy"), by_task, strict=False)
        for place, name in enumerate(names, 1)
    ]
    return pl.DataFrame(rows)


def pair(one, other, synergy, above=True, task="click"):
    return {"task": task, "feature_a": one, "feature_b": other} | {
        "synergy": synergy,
        "synergy_above_noise": above,
    }


def names(schema):
    return [feature.name for feature in schema.features]


def test_order_of_what_features_add_comes_before_the_ranking():
    found = ranking(["item", "user", "noise", "price"])
    order = pl.DataFrame({"task": "click", "feature": ["user", "price"], "place": [1, 2]})

    assert names(select(SCHEMA, found, count=2, order=order)) == ["user", "price"]
    assert names(select(SCHEMA, found, count=3, order=order)) == ["user", "item", "price"]
    assert names(select(SCHEMA, found, order=order)) == names(select(SCHEMA, found))


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ({}, ["user", "item"]),
        ({"three_mr": "three_mr_rank"}, ["item", "price"]),
        ({"three_mr": "three_mr_rank", "forward": "step"}, ["noise", "price"]),
    ],
)
def test_written_selection_takes_the_order_that_knows_most(tmp_path, added, expected):
    orders = {"three_mr": ["price", "item"], "forward": ["noise", "price"]}
    tables = {"ranking": ranking(["item", "user", "noise", "price"])} | {
        name: pl.DataFrame({"task": "click", "feature": orders[name], place: [1, 2]})
        for name, place in added.items()
    }

    write_selection(SCHEMA, tables, 2, tmp_path / "chosen.toml")

    assert names(Schema.load(tmp_path / "chosen.toml")) == expected


def test_auto_keeps_what_is_above_noise_for_a_task():
    found = ranking(["control:label", "user", "item"], ["price", "user", "noise"], above=2)

    assert names(select(SCHEMA, found)) == ["user", "price"]


def test_count_keeps_the_best_of_any_task_in_the_order_of_the_schema():
    found = ranking(["item", "user", "noise", "price"], ["price", "item", "user", "noise"])

    assert names(select(SCHEMA, found, count=2)) == ["item", "price"]
    assert names(select(SCHEMA, found, count=4)) == ["user", "item", "noise", "price"]


def test_copies_of_a_better_feature_are_left_out():
    found = ranking(["item", "user", "price", "noise"])
    redundancy = pl.DataFrame(
        {
            "feature_a": ["user", "noise", "user"],
            "feature_b": ["item", "user", "price"],
            "redundancy": [0.95, 1.0, 0.89],
        }
    )

    assert names(select(SCHEMA, found, redundancy=redundancy)) == ["item", "price"]
    # What copies a feature that was left out is no copy of one that was taken.
    assert names(select(SCHEMA, found, redundancy=redundancy, count=3)) == [
        "item",
        "noise",
        "price",
    ]


def test_crosses_are_the_pairs_with_synergy_above_noise():
    found = ranking(["user", "item", "price"])
    pairs = pl.DataFrame(
        [
            pair("user", "item", 0.1),
            pair("item", "noise", 0.3),
            pair("user", "noise", 0.4, above=False),
            pair("item", "noise", 0.2, task="buy"),
        ]
    )

    chosen = select(SCHEMA, found, pairs)

    assert names(chosen) == ["user", "item", "price", "item x noise", "user x item"]
    assert chosen["item x noise"].cross == ("item", "hour")
    assert chosen["user x item"].min_count == 3
    assert names(select(SCHEMA, found, pairs, count=1)) == ["user", "item x noise"]
    assert names(select(SCHEMA, found, pairs, count=1, crosses=2))[1:] == names(chosen)[3:]
    assert names(select(SCHEMA, found, pairs, crosses=0)) == ["user", "item", "price"]
    assert Schema.from_dict(chosen.to_dict()) == chosen


def test_vocabulary_of_a_feature_left_out_goes_to_its_first_user():
    chosen = select(SCHEMA, ranking(["history", "seen", "user"]))

    assert chosen["history"] == Feature(
        name="history", kind="sequence", max_length=3, min_count=2, oov_buckets=4
    )
    assert chosen["seen"].vocabulary == "history"
    assert select(SCHEMA, ranking(["history", "item"]))["history"].vocabulary == "item"


def test_limits_of_columns_that_are_not_read_are_left_out():
    assert set(select(SCHEMA, ranking(["user"])).limits.columns) == {"user", "place"}


@pytest.mark.parametrize("count", [0, 7, "all", -1])
def test_count_that_is_none(count):
    with pytest.raises(SchemaError, match="`select` must be auto or a number from 1 to 6, that of"):
        select(SCHEMA, ranking(["user"]), count=count)


def test_nothing_above_noise():
    with pytest.raises(SchemaError, match="must be above noise to be chosen. Received: none of 6."):
        select(SCHEMA, ranking(["user"], above=0))


def test_command_writes_a_schema_that_prepares(tmp_path):
    random = np.random.default_rng(2)
    user = random.integers(0, 9, 3_000)
    noise = random.integers(0, 9, 3_000)
    click = (random.random(3_000) < 0.1 + 0.08 * user).astype(int)
    table = pl.DataFrame({"user": user, "noise": noise, "click": click})
    table.write_parquet(tmp_path / "clicks.parquet")
    plain = [{"name": name, "kind": "categorical"} for name in ("user", "noise")]
    given = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": plain})
    (tmp_path / "schema.toml").write_text(given.dumps())
    out = tmp_path / "chosen.toml"
    command = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    command += ["--out", tmp_path / "ranking"]

    assert call(*command, "--select", "auto", "--out-schema", out) == 0

    assert out.read_text().startswith("# Chosen by `ctrmoe rank --select auto`: 1 of 2 features, 0")
    assert names(Schema.load(out)) == ["user"]
    prepare(Schema.load(out), tmp_path / "clicks.parquet", out=tmp_path / "prepared")
    assert call(*command, "--out-schema", out) == 2
    assert call(*command, "--select", "1") == 2
    assert call(*command, "--select", "3", "--out-schema", tmp_path / "new.toml") == 2


def test_number_of_features_is_chosen_by_what_each_adds(tmp_path):
    random = np.random.default_rng(3)
    best, other = random.integers(0, 5, 4_000), random.integers(0, 3, 4_000)
    copy = np.where(random.random(4_000) < 0.9, best, random.integers(0, 5, 4_000))
    click = (random.random(4_000) < 0.1 + 0.1 * best + 0.1 * other).astype(int)
    columns = {"best": best, "copy": copy, "other": other}
    pl.DataFrame(columns | {"click": click}).write_parquet(tmp_path / "clicks.parquet")
    plain = [{"name": name, "kind": "categorical"} for name in columns]
    given = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": plain})
    (tmp_path / "schema.toml").write_text(given.dumps())
    command = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    command += ["--out", tmp_path / "ranking", "--select", "2", "--out-schema"]

    assert call(*command, tmp_path / "added.toml") == 0
    assert call(*command, tmp_path / "alone.toml", "--forward", "0") == 0

    assert set(names(Schema.load(tmp_path / "added.toml"))) == {"best", "other"}
    assert set(names(Schema.load(tmp_path / "alone.toml"))) == {"best", "copy"}


def test_parity_of_two_columns_becomes_a_cross():
    """Neither tells anything alone: the schema has their cross beside what does."""
    random = np.random.default_rng(4)
    left, right, user = random.integers(0, 4, (3, 4_000))
    rate = 0.1 + 0.2 * user + 0.2 * ((left + right) % 2)
    columns = {"left": left, "right": right, "user": user}
    table = pl.DataFrame({**columns, "click": (random.random(4_000) < rate).astype(int)})
    plain = [{"name": name, "kind": "categorical"} for name in columns]
    given = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": plain})
    tables = rank_combinations(given, table, order=2)

    chosen = select(given, tables["ranking"], tables["pairs"])

    assert names(chosen) == ["user", "left x right"]
    alone = rank(chosen, table)
    assert alone["above_noise"].all()


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def test_command_without_a_feature_above_noise_leaves_the_tables_alone(tmp_path, capsys):
    pl.DataFrame({"noise": [0, 1] * 50, "click": [0, 0, 1, 1] * 25}).write_csv(tmp_path / "a.csv")
    features = [{"name": "noise", "kind": "categorical"}]
    given = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": features})
    (tmp_path / "schema.toml").write_text(given.dumps())
    command = ["rank", tmp_path / "a.csv", "--schema", tmp_path / "schema.toml"]
    chosen = ["--select", "auto", "--out-schema", tmp_path / "chosen.toml"]

    assert call(*command, *chosen, "--out", tmp_path / "ranking") == 2

    assert "must be above noise to be chosen. Received: none of 1" in capsys.readouterr().err
    assert (tmp_path / "ranking" / "report.html").is_file()
    assert not (tmp_path / "chosen.toml").exists()
    assert call(*command, "--out", tmp_path / "schema.toml") == 2
    shown = capsys.readouterr()
    assert "is a file" in shown.err and "above noise" not in shown.out


def test_command_with_pairs_and_transformers(tmp_path):
    """A copy of the user is left out; the size of the balance comes beside the balance."""
    random = np.random.default_rng(2)
    user = random.integers(0, 9, 4_000)
    balance = random.normal(size=4_000).round(2)
    rate = 0.1 + 0.05 * user + 0.3 * (np.abs(balance) > 1)
    columns = {"user": user, "copy": user + 1, "balance": balance}
    click = (random.random(4_000) < rate).astype(int)
    pl.DataFrame(columns | {"click": click}).write_parquet(tmp_path / "clicks.parquet")
    features = [{"name": name, "kind": "categorical"} for name in ("user", "copy")]
    features.append({"name": "balance", "kind": "numeric"})
    given = Schema.from_dict({"name": "t", "tasks": [{"name": "click"}], "features": features})
    (tmp_path / "schema.toml").write_text(given.dumps())
    command = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    command += ["--out", tmp_path / "ranking", "--order", "2", "--transformers", "default"]

    assert call(*command, "--out-schema", tmp_path / "chosen.toml") == 0

    chosen = Schema.load(tmp_path / "chosen.toml")
    assert len({"user", "copy"} & set(names(chosen))) == 1
    sizes = [f for f in chosen.features if f.transform in ("sqrt_abs", "log1p_abs")]
    assert len(sizes) == 1 and sizes[0].source == "balance"
    prepare(chosen, tmp_path / "clicks.parquet", out=tmp_path / "prepared")


@pytest.mark.parametrize(
    ("text", "out", "message"),
    [
        ("auto", None, "`--select` needs `--out-schema`, the file to write. Received: auto."),
        ("2", Path(__file__), "test_selection.py exists already. Choose another `--out-schema`."),
        ("many", Path("absent.toml"), "`select` must be auto or a number .* Received: 'many'"),
    ],
)
def test_option_that_can_not_be_followed(text, out, message):
    with pytest.raises(SchemaError, match=message):
        parse_count(text, SCHEMA, out)


def test_option_left_out_is_auto():
    assert parse_count("", SCHEMA, None) == "auto"
    assert parse_count("3", SCHEMA, Path("absent.toml")) == 3
