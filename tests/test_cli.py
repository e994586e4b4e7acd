"""Commands as a user types them: what they print, their exit codes, and what bad input leaves."""

import json
import re
import subprocess
import typing
from pathlib import Path

import polars as pl
import pytest

import ctrmoe
from ctrmoe import strict
from ctrmoe.cli import main
from ctrmoe.commands import COMMANDS
from ctrmoe.run import Run

SCHEMA = """
name = "shop"
domain = "shop"
group = "user"
[[tasks]]
name = "click"
[[features]]
name = "user"
kind = "categorical"
[[features]]
name = "price"
kind = "numeric"
"""


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


def table(rows=40, **changes):
    columns = {
        "user": [f"u{i % 7}" for i in range(rows)],
        "price": [i / 10 for i in range(rows)],
        "shop": ["a" if i % 3 else "b" for i in range(rows)],
        "click": [i % 2 for i in range(rows)],
    }
    return pl.DataFrame(columns | changes)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a schema and a table, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("schema.toml").write_text(SCHEMA)
    table().write_parquet("good.parquet")
    return tmp_path


@pytest.mark.parametrize("words", [["--to", ""], ["--to="], ["--dry-run", "--to", ""]])
def test_an_empty_path_of_an_output_is_not_the_current_folder(here, capsys, words):
    assert call("export", "run", *words) == 2
    assert "--to must name a path" in capsys.readouterr().err
    assert sorted(path.name for path in here.iterdir()) == ["good.parquet", "schema.toml"]


def test_the_version_is_shown(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out == f"ctrmoe {ctrmoe.__version__}\n"


def prepare(train="good.parquet", *more):
    arguments = ["--schema", "schema.toml", "--train", train, "--out", "prepared"]
    return call("prepare", *arguments, *(more or ("--valid", "good.parquet")))


def one_error_line(capsys, code):
    error = capsys.readouterr().err.strip()
    assert code == 2, error
    assert error.startswith("error: ")
    assert len(error.splitlines()) == 1
    return error


def write_label(value):
    labels = [0, 1] * 20
    labels[24] = value
    table(click=labels).write_parquet("bad.parquet")


def write_duplicate_column():
    Path("bad.csv").write_text("user,price,price,shop,click\nu1,1,2,a,0\n")


def write_truncated():
    Path("bad.parquet").write_bytes(Path("good.parquet").read_bytes()[:-200])


BAD_INPUT = {
    "missing column": (
        lambda: table().drop("price").write_parquet("bad.parquet"),
        "bad.parquet",
        ["Column `price` is missing in bad.parquet"],
    ),
    "missing column with a near name": (
        lambda: table().rename({"price": "prise"}).write_parquet("bad.parquet"),
        "bad.parquet",
        ["Did you mean `prise`?"],
    ),
    "wrong type": (
        lambda: table(price=[[1.0]] * 40).write_parquet("bad.parquet"),
        "bad.parquet",
        ["`price` must be a column of numbers", "List"],
    ),
    "label outside": (lambda: write_label(2), "bad.parquet", ["`click`", "0 or 1", "2", "row 25"]),
    "null label": (lambda: write_label(None), "bad.parquet", ["`click`", "None", "row 25"]),
    "empty file": (lambda: Path("bad.parquet").touch(), "bad.parquet", ["bad.parquet is empty"]),
    "empty text file": (lambda: Path("bad.csv").touch(), "bad.csv", ["bad.csv", "empty"]),
    "truncated parquet": (write_truncated, "bad.parquet", ["bad.parquet can't be read"]),
    "duplicate column": (write_duplicate_column, "bad.csv", ["bad.csv", "price", "twice"]),
    "unreadable path": (lambda: None, "absent.parquet", ["absent.parquet doesn't exist"]),
    "no row": (lambda: table(0).write_parquet("bad.parquet"), "bad.parquet", ["must have rows"]),
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_prepare_of_bad_input(here, capsys, name):
    write, file, messages = BAD_INPUT[name]
    write()

    error = one_error_line(capsys, prepare(file))

    for message in messages:
        assert message in error
    assert not list(here.glob("*prepared*"))
    assert not list(here.glob(".*"))


def test_prepare_without_a_positive_in_validation(here, capsys):
    table(click=[0] * 40).write_parquet("negatives.parquet")

    error = one_error_line(capsys, prepare("good.parquet", "--valid", "negatives.parquet"))

    assert "The valid part must have a positive row of task `click`" in error
    assert not list(here.glob("*prepared*"))


def test_prepare_with_a_schema_that_names_a_feature_twice(here, capsys):
    Path("schema.toml").write_text(SCHEMA + '[[features]]\nname = "user"\nkind = "numeric"\n')

    error = one_error_line(capsys, prepare())

    assert "schema.toml: `features` must not repeat a name. Received twice: ['user']" in error


def test_prepare_into_a_folder_that_holds_something(here, capsys):
    Path("prepared").mkdir()
    Path("prepared/notes.txt").write_text("keep me")

    error = one_error_line(capsys, prepare())

    assert "prepared must be empty or not exist" in error
    assert Path("prepared/notes.txt").read_text() == "keep me"


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of 64 kB; needs the right to mount."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", place], check=True)


def test_prepare_onto_a_full_disk(here, tiny_disk, capsys):
    table(60_000, user=[f"user {i}" for i in range(60_000)]).write_parquet("large.parquet")
    arguments = ["--train", "large.parquet", "--valid", "good.parquet"]

    code = call("prepare", "--schema", "schema.toml", *arguments, "--out", tiny_disk / "prepared")

    assert "The disk is full" in one_error_line(capsys, code)
    assert list(tiny_disk.iterdir()) == []


def test_score_onto_a_full_disk(exported, clicks, tmp_path, tiny_disk, capsys):
    clicks.frame(30_000).write_parquet(tmp_path / "rows.parquet")

    code = call("score", exported, tmp_path / "rows.parquet", "--out", tiny_disk / "scores")

    assert "The disk is full" in one_error_line(capsys, code)
    assert not list((tiny_disk / "scores").glob("*.parquet*"))


def test_train_starts_from_an_older_run(run, prepared, tmp_path, capsys):
    (tmp_path / "config.toml").write_text(strict.dump_toml(run.config.to_dict()))
    overrides = ["--set", "train.epochs=1", "--set", "train.learning_rate=1e-9"]

    code = call(
        "train", tmp_path / "config.toml", *overrides, "--warm-start", run.folder,
        "--out", tmp_path / "grown",
    )  # fmt: skip

    assert code == 0
    started, trained = run.metrics["best"], Run(tmp_path / "grown").metrics["best"]
    assert trained["valid_auc"] == pytest.approx(started["valid_auc"], abs=1e-4)


def test_train_does_not_start_from_a_folder_that_is_no_run(prepared, tmp_path, capsys):
    (tmp_path / "config.toml").write_text("")
    overrides = ["--set", f"data.prepared={prepared}", "--warm-start", tmp_path]

    code = call("train", tmp_path / "config.toml", *overrides, "--out", tmp_path / "run")

    assert "must be a run folder that `ctrmoe train --out` wrote" in one_error_line(capsys, code)
    assert not (tmp_path / "run").exists()


def test_train_onto_a_full_disk(prepared, tmp_path, tiny_disk, capsys):
    (tmp_path / "config.toml").write_text('[model.interaction]\nkind = "autoint"\n')
    overrides = ["--set", f"data.prepared={prepared}", "--set", "train.epochs=1"]

    code = call("train", tmp_path / "config.toml", *overrides, "--out", tiny_disk / "run")

    assert "The disk is full" in one_error_line(capsys, code)
    assert not (tiny_disk / "run" / "model.keras").exists()


def test_export_onto_a_full_disk(run, tiny_disk, capsys):
    code = call("export", run.folder, "--to", tiny_disk / "clicks")

    assert "The disk is full" in one_error_line(capsys, code)
    assert not list((tiny_disk / "clicks").iterdir())


def test_evaluate_of_a_domain_that_training_never_saw(run, test_rows, tmp_path, capsys):
    strange = test_rows.with_columns(placement=pl.lit("a new placement"))
    strange.write_parquet(tmp_path / "strange.parquet")

    code = call("evaluate", run.folder, tmp_path / "strange.parquet", "--json")

    assert code == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["domains"]) == ["a new placement"]
    assert 0 < result["tasks"]["click"]["logloss"] < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rows: rows.drop("click"),
            "The label `click` of task `click` must be a column of every table. Received: none in",
        ),
        (
            lambda rows: rows.with_columns(click=None, conversion=None),
            "no value in click, conversion in all of the rows 1 to 700 of",
        ),
    ],
    ids=["absent", "empty"],
)
def test_evaluate_without_labels(run, test_rows, tmp_path, capsys, change, message):
    change(test_rows).write_parquet(tmp_path / "rows.parquet")

    code = call("evaluate", run.folder, tmp_path / "rows.parquet", "--out", tmp_path / "report")

    error = one_error_line(capsys, code)
    assert message in error and "rows.parquet" in error
    assert not (tmp_path / "report").exists()


def test_evaluate_prints_the_contract(run, test_rows, tmp_path, capsys):
    test_rows.write_parquet(tmp_path / "test.parquet")

    out = ["--json", "--out", tmp_path / "r"]
    code = call("evaluate", run.folder, tmp_path / "test.parquet", *out)

    printed = json.loads(capsys.readouterr().out)
    assert code == 0
    assert set(printed) == {"rows", "tasks", "domains"}
    assert printed["rows"] == test_rows.height
    assert set(printed["tasks"]) == {"click", "conversion"}
    figures = {"auc", "gauc", "logloss", "ne", "ece", "pcoc", "positives"}
    assert set(printed["tasks"]["click"]) == figures
    assert set(printed["domains"]) == set(test_rows["placement"].unique())
    assert printed["tasks"]["click"]["positives"] == test_rows["click"].sum()
    assert json.loads((tmp_path / "r" / "metrics.json").read_text()) == printed
    assert (tmp_path / "r" / "metrics.csv").is_file()


def test_evaluate_without_json_shows_a_table(run, test_rows, tmp_path, capsys):
    test_rows.write_parquet(tmp_path / "test.parquet")

    assert call("evaluate", run.folder, tmp_path / "test.parquet") == 0

    shown = capsys.readouterr().out
    assert "placement_" in shown and "logloss" in shown
    assert f"{test_rows.height:,}" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "no_run", "good.parquet"], "no_run must be a run folder"),
        (["export", "no_run", "--to", "m"], "no_run must be a run folder"),
        (["score", "no_model", "good.parquet", "--out", "s"], "no_model must be an exported model"),
        (["train", "absent.toml", "--out", "r"], "absent.toml can't be read"),
        (["infer", "absent.parquet", "--out", "s.toml"], "absent.parquet doesn't exist"),
        (["infer", "good.parquet"], "schema.toml exists already"),
        (["prepare", "--schema", "no.toml", "--train", "x", "--out", "p"], "no.toml can't be read"),
    ],
)
def test_paths_that_are_wrong(here, capsys, arguments, message):
    assert message in one_error_line(capsys, call(*arguments))


def test_prepare_takes_several_files_after_one_option(here):
    table(20).write_parquet("one.parquet")
    table(30).write_parquet("two.parquet")
    parts = ["--train", "one.parquet", "two.parquet", "--valid", "good.parquet", "one.parquet"]

    assert call("prepare", *parts, "--schema", "schema.toml", "--out", "prepared") == 0

    rows = {part: pl.read_parquet(f"prepared/{part}").height for part in ("train", "valid")}
    assert rows == {"train": 50, "valid": 60}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_help_shows_every_word(command, capsys):
    """Brackets would be markup to rich: left out, or an error."""
    hints = typing.get_type_hints(command, include_extras=True).values()
    helps = [note.help or "" for hint in hints for note in getattr(hint, "__metadata__", ())]

    assert not [text for text in helps if re.search(r"\[[a-z/]", text)]
    assert call(command.__name__.replace("_", "-"), "--help") == 0
    assert "Usage: " in capsys.readouterr().out


def test_usage_error_exits_with_2(capsys):
    assert call("train") == 2
    assert "Missing argument" in capsys.readouterr().err


def test_commands_say_what_to_do_next(here, capsys):
    table(click=[1, 0] * 20, price=["1.5", "1,5"] * 20).write_parquet("good [1].parquet")

    assert call("infer", "good [1].parquet", "--out", "own.toml", "--label", "click") == 0
    assert prepare("good [1].parquet", "--split", "random:0.5,0.5") == 0

    printed = capsys.readouterr()
    assert (
        "Next: ctrmoe prepare --schema own.toml --train 'good [1].parquet' --split random:0.8,"
        in printed.out
    )
    assert "Next: ctrmoe train pipelines/configs/autoint.toml --set data.prepared=" in printed.out
    assert "(click 5" in printed.out or "(click 4" in printed.out
    assert "warning: `price`: texts that are no numbers count as missing, 20" in printed.err
    assert "warning: The valid part has few rows with label 1" in printed.err


@pytest.mark.parametrize(
    ("command", "message"),
    [("prepare", "nothing broken is left. Run it again"), ("train", "train … --resume` goes on")],
)
def test_interruption_says_how_to_go_on(here, capsys, monkeypatch, command, message):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("ctrmoe.schema.Schema.load", interrupt)
    monkeypatch.setattr("ctrmoe.config.Config.load", interrupt)
    arguments = {
        "prepare": ["--schema", "schema.toml", "--train", "good.parquet", "--out", "prepared"],
        "train": ["autoint.toml", "--out", "run"],
    }

    assert call(command, *arguments[command]) == 130
    assert message in capsys.readouterr().err


def test_whole_job_on_an_own_csv_with_odd_headers(here, capsys):
    """What the README promises, from infer to score, on a file with a semicolon and spaces."""
    rows = table(400).rename({"user": "User ID", "price": "price/€", "click": "Clicked?"})
    seen = pl.Series("seen (last)", (["a|b", "b", "", "c|a|a", "b|c", "a", "c|b"] * 58)[:400])
    rows.with_columns(seen).write_csv("my own.csv", separator=";")
    Path("autoint.toml").write_text('[model.interaction]\nkind = "autoint"\nkey_dim = 4\n')

    assert call("infer", "my own.csv", "--out", "own.toml", "--label", "Clicked?") == 0
    assert 'name = "seen (last)"\nkind = "sequence"' in Path("own.toml").read_text()
    split = ["--split", "random:0.7,0.3", "--out", "prepared"]
    assert call("prepare", "--schema", "own.toml", "--train", "my own.csv", *split) == 0
    overrides = ["data.prepared=prepared", "train.epochs=1", "train.batch_size=64"]
    sets = [part for override in overrides for part in ("--set", override)]
    assert call("train", "autoint.toml", *sets, "--out", "run") == 0
    assert call("evaluate", "run", "my own.csv") == 0
    assert call("export", "run", "--to", "models/own") == 0
    assert call("score", "models/own", "my own.csv", "--keep", "User ID", "--out", "scores") == 0

    scored = pl.read_parquet("scores/my own.parquet")
    assert scored.height == 400
    assert scored.columns[0] == "User ID"
    assert scored.columns[1].endswith("_probability")
    assert call("train", "autoint.toml", *sets, "--out", "run", "--resume") == 0
    printed = capsys.readouterr().out
    assert "run holds the run: best epoch 1: valid_Clicked_auc" in printed
    assert "few to learn from: lower `train.batch_size`" in printed
    assert "Wrote scores: 400 rows in 1 file" in printed
    assert "run was finished already: best epoch 1" in printed


def test_check_of_a_good_table_passes(here, capsys):
    table(4_000).write_parquet("many.parquet")

    code = call("check", "many.parquet", "--schema", "schema.toml")

    assert code == 0
    assert "Nothing found." in capsys.readouterr().out


def test_check_exits_with_3_and_writes_what_it_found(here, capsys):
    table().with_columns(pl.lit(2).alias("click")).write_parquet("bad.parquet")

    code = call(
        "check", "good.parquet", "good.parquet", "--against", "bad.parquet", "good.parquet",
        "--schema", "schema.toml", "--out", "found",
    )  # fmt: skip

    assert code == 3
    shown = " ".join(capsys.readouterr().out.split())
    assert "Label `click` must be 0 or 1" in shown
    assert "Checked 120 rows" in shown and "Open found/quality.html." in shown
    written = json.loads(Path("found/findings.json").read_text())
    assert written["against_rows"] == 80
    assert {"labels", "overlap"} <= {finding["check"] for finding in written["findings"]}
    assert {path.name for path in Path("found").iterdir()} == {
        "findings.csv",
        "findings.json",
        "quality.html",
        "statistics.parquet",
    }


def test_check_prints_one_json_object(here, capsys):
    table().with_columns(pl.lit(2).alias("click")).write_parquet("bad.parquet")

    assert call("check", "bad.parquet", "--schema", "schema.toml", "--json") == 3

    printed = json.loads(capsys.readouterr().out)
    assert printed["findings"][0]["column"] == "click"


def test_check_of_a_damaged_file_is_one_error_line(here, capsys):
    Path("cut.parquet").write_bytes(Path("good.parquet").read_bytes()[:-100])

    code = call("check", "cut.parquet", "--schema", "schema.toml")

    one_error_line(capsys, code)


def test_prepare_keeps_the_limits_of_the_schema(here):
    Path("schema.toml").write_text(SCHEMA + "[limits]\npsi = 0.4\n")

    assert prepare() == 0

    assert "[limits]\npsi = 0.4" in Path("prepared/schema.toml").read_text()
