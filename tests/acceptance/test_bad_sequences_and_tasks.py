"""What a user gets wrong about sequences and tasks: one line, exit code 2 and nothing written."""

from pathlib import Path

import polars as pl
import pytest

from ctrmoe.cli import main

SCHEMA = """
name = "shop"
[[tasks]]
name = "click"
[[tasks]]
name = "order"
[[features]]
name = "item"
kind = "categorical"
[[features]]
name = "price"
kind = "numeric"
[[features]]
name = "history"
kind = "sequence"
max_length = 3
vocabulary = "item"
"""
ROWS = 40


def table(**changes):
    columns = {
        "item": [f"i{i % 7}" for i in range(ROWS)],
        "price": [i / 10 for i in range(ROWS)],
        "history": [[f"i{i % 3}"] for i in range(ROWS)],
        "click": [i % 2 for i in range(ROWS)],
        "order": [int(i % 3 == 0) for i in range(ROWS)],
    }
    return pl.DataFrame(columns | changes)


NULLS = pl.Series([None] * ROWS, dtype=pl.Int64)
BAD_TABLES = {
    "text": (
        table(history=["i1 i2"] * ROWS),
        "`history` must be a column of lists. Received: String in bad.parquet. Make a list of each "
        "row, or give the feature the `separator` between its values.",
    ),
    "whole numbers": (
        table(history=[7] * ROWS),
        "`history` must be a column of lists. Received: Int64 in bad.parquet. Make a list of each "
        "row.",
    ),
    "lists of lists": (
        table(history=[[["i1"], ["i2"]]] * ROWS),
        "`history` must be a column of lists. Received: List(List(String)) in bad.parquet. Flatten "
        "each row to one list.",
    ),
    "structs": (
        table(history=[{"item": "i1"}] * ROWS),
        "Received: Struct({'item': String}) in bad.parquet. ",
    ),
    "a task is absent": (
        table().drop("order"),
        "The label `order` of task `order` must be a column of every table. Received: none in "
        "bad.parquet. Known: click, history, item, price. Add it, null where a row has no label.",
    ),
    "no label at all": (
        table(click=NULLS, order=NULLS),
        "A label must be 0 or 1. Received: no value in click, order in all of the rows 1 to 40 of "
        "bad.parquet. Fill the column, or leave the table out.",
    ),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a schema and a good table, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("schema.toml").write_text(SCHEMA)
    table().write_parquet("good.parquet")
    return tmp_path


@pytest.fixture
def error_of(capsys):
    """Runs a command that must fail and returns its one line."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        error = capsys.readouterr().err.strip()
        assert ended.value.code == 2, error
        assert error.startswith("error: ") and len(error.splitlines()) == 1
        return error

    return run


def prepare(train, valid):
    arguments = ["--schema", "schema.toml", "--train", *train, "--valid", valid]
    return ["prepare", *arguments, "--out", "prepared"]


@pytest.mark.parametrize("name", BAD_TABLES)
@pytest.mark.parametrize(
    "files",
    [(["good.parquet", "bad.parquet"], "good.parquet"), (["good.parquet"], "bad.parquet")],
    ids=["train", "valid"],
)
def test_prepare_of_bad_tables(here, error_of, name, files):
    bad, message = BAD_TABLES[name]
    bad.write_parquet("bad.parquet")

    assert message in error_of(*prepare(*files))
    assert sorted(path.name for path in here.iterdir()) == [
        "bad.parquet", "good.parquet", "schema.toml",
    ]  # fmt: skip


def test_prepare_of_a_task_that_no_row_has_a_label_of(here, error_of):
    table(order=NULLS).write_parquet("bad.parquet")

    error = error_of(*prepare(["bad.parquet"], "good.parquet"))

    assert "The train part must have labels of task `order`. Received: null in all of 40" in error
    assert "Leave the task out of the schema." in error
    assert not list(here.glob("*prepared*"))


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "max_length = 3",
            "max_length = 0",
            "`history`: `max_length` must be at least 1 for a sequence. Received: 0. Give the "
            "number of items kept, the newest.",
        ),
        (
            'vocabulary = "item"',
            'vocabulary = "itm"',
            "`history`: `vocabulary` must name a categorical or sequence feature. Received: 'itm'. "
            "Did you mean `item`?",
        ),
        (
            'vocabulary = "item"',
            'vocabulary = "price"',
            "`history`: `vocabulary` must name a categorical or sequence feature. Received: "
            "'price', a numeric. Known: history, item.",
        ),
        (
            'vocabulary = "item"',
            'vocabulary = "history"',
            "`vocabulary` must name the feature that owns the vocabulary. Received: 'history', "
            "which shares 'history'. Leave it out.",
        ),
    ],
)
def test_prepare_with_a_bad_schema(here, error_of, right, wrong, message):
    Path("schema.toml").write_text(SCHEMA.replace(right, wrong))

    error = error_of(*prepare(["good.parquet"], "good.parquet"))

    assert error.startswith("error: schema.toml: Feature `history`: ") and message in error
    assert not list(here.glob("*prepared*"))


@pytest.mark.parametrize(
    "command", [["score", "--out", "scores"], ["evaluate", "--out", "report"]], ids=lambda c: c[0]
)
def test_trained_models_refuse_sequences_that_are_no_lists(
    run, test_rows, tmp_path, monkeypatch, error_of, command
):
    monkeypatch.chdir(tmp_path)
    rows = test_rows.head(20)
    rows.with_columns(history=pl.lit("item_1")).write_parquet("bad.parquet")
    name, *out = command

    error = error_of(name, run.folder, "bad.parquet", *out)

    assert "`history` must be a column of lists. Received: String in bad.parquet. Make" in error
    assert not list(tmp_path.glob("*/[!.]*"))
    rows.write_parquet("bad.parquet")  # mended, the same command goes through
    with pytest.raises(SystemExit) as ended:
        main([name, str(run.folder), "bad.parquet", *out])
    assert not ended.value.code
