"""A domain that training never saw, where the schema refuses it and where it falls back."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from ctrmoe.cli import main

SCHEMA = """
name = "shop"
domain = "shop"
timestamp = "time"
unknown_domains = "refuse"
[[tasks]]
name = "click"
[[features]]
name = "user"
kind = "categorical"
[[features]]
name = "shop"
kind = "categorical"
"""
ROWS = 40
STRANGE = [*["a", "b"] * 10, None, "", "it", *["a"] * 16, "fr"]


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def table(shops):
    columns = {"user": [f"u{i % 7}" for i in range(ROWS)], "click": [i % 2 for i in range(ROWS)]}
    return pl.DataFrame({"shop": shops, "time": range(ROWS), **columns})


@pytest.fixture(scope="module")
def model(repository, tmp_path_factory):
    """A folder with prepared data, a run and an export of a schema that refuses."""
    folder = tmp_path_factory.mktemp("refuse")
    (folder / "schema.toml").write_text(SCHEMA)
    table(["a", "b"] * 20).write_parquet(folder / "good.parquet")
    good, config = folder / "good.parquet", "pipelines/configs/logistic_regression.toml"
    parts = ["--train", good, "--valid", good, "--out", folder / "prepared"]
    overrides = [f"data.prepared={folder / 'prepared'}", "train.epochs=1", "train.batch_size=8"]
    sets = [part for override in overrides for part in ("--set", override)]
    assert call("prepare", "--schema", folder / "schema.toml", *parts) == 0
    assert call("train", repository / config, *sets, "--out", folder / "run") == 0
    assert call("export", folder / "run", "--to", folder / "models" / "clicks") == 0
    return folder


@pytest.fixture
def here(model, tmp_path, monkeypatch):
    """A working directory with the model's table and one whose row 23 is of an unknown domain."""
    monkeypatch.chdir(tmp_path)
    for name in ("schema.toml", "good.parquet"):
        shutil.copy(model / name, name)
    table(STRANGE).write_parquet("strange.parquet")
    return tmp_path


def assert_refused(capsys, code, row):
    error = capsys.readouterr().err.strip()
    assert code == 2, error
    assert len(error.splitlines()) == 1
    assert error.startswith("error: Domain `shop` must be one of the training part's. Received: ")
    assert f"{row}. Mend the value, leave the row out or train with rows of it" in error


@pytest.mark.parametrize("part", ["--valid", "--test"])
def test_prepare_refuses_an_unknown_domain(here, capsys, part):
    parts = ["--train", "good.parquet", part, "strange.parquet", "--out", "prepared"]

    code = call("prepare", "--schema", "schema.toml", *parts)

    assert_refused(capsys, code, "'it' in strange.parquet, row 23")
    assert sorted(path.name for path in here.glob("*")) == [
        "good.parquet", "schema.toml", "strange.parquet",
    ]  # fmt: skip
    assert not list(here.glob(".*"))


def test_prepare_refuses_a_domain_that_a_split_keeps_from_training(here, capsys):
    parts = ["--train", "strange.parquet", "--split", "time:0.8,0.2", "--out", "prepared"]

    code = call("prepare", "--schema", "schema.toml", *parts)

    assert_refused(capsys, code, "'fr' in strange.parquet, row 40")
    assert not list(here.glob("*prepared*")) and not list(here.glob(".*"))


def test_prepare_falls_back_by_default(here):
    Path("schema.toml").write_text(SCHEMA.replace('unknown_domains = "refuse"\n', ""))
    parts = ["--train", "good.parquet", "--valid", "strange.parquet", "--out", "prepared"]

    assert call("prepare", "--schema", "schema.toml", *parts) == 0
    assert pl.read_parquet("prepared/valid")["domain:id"][20:23].to_list() == [1, 1, 2]


def test_evaluate_refuses_an_unknown_domain(model, here, capsys):
    code = call("evaluate", model / "run", "good.parquet", "strange.parquet", "--out", "report")

    assert_refused(capsys, code, "'it' in strange.parquet, row 23")
    assert not Path("report").exists()


@pytest.mark.parametrize("source", ["run", "models/clicks"])
def test_score_refuses_an_unknown_domain(model, here, capsys, source):
    code = call("score", model / source, "strange.parquet", "--out", "scores")

    assert_refused(capsys, code, "'it' in strange.parquet, row 23")
    assert not Path("scores").exists()


def test_score_goes_on_after_the_row_is_mended(model, here, capsys):
    inputs = ["good.parquet", "strange.parquet", "--out", "scores"]

    assert_refused(capsys, call("score", model / "run", *inputs), "strange.parquet, row 23")
    table(["a", "b"] * 20).write_parquet("strange.parquet")

    assert call("score", model / "run", *inputs, "--resume") == 0
    assert "40 rows in 1 file, 1 file done before" in capsys.readouterr().out
    assert sorted(path.name for path in Path("scores").iterdir()) == [
        "good.parquet", "strange.parquet",
    ]  # fmt: skip


def test_missing_domains_are_taken(model, here, capsys):
    table([*["a", "b"] * 18, None, "", None, ""]).write_parquet("missing.parquet")

    assert call("score", model / "run", "missing.parquet", "--out", "scores") == 0
    assert call("evaluate", model / "run", "missing.parquet", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == ROWS


def test_served_rows_of_an_unknown_domain_fall_back(model):
    import tensorflow as tf

    served = tf.saved_model.load(str(model / "models/clicks/1"))
    rows = {"user": tf.constant([["u1"]] * 3), "shop": tf.constant([["a"], ["it"], [""]])}

    click = served.signatures["serving_default"](**rows)["click"][:, 0]

    assert all(0 < float(probability) < 1 for probability in click)
