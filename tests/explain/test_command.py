"""`ctrmoe explain` as a user types it."""

import sys

import pytest

from ctrmoe.cli import main


@pytest.fixture
def call(capsys):
    """Returns a function that runs a command and gives its exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out, printed.err.strip()

    return run


@pytest.fixture(scope="module")
def data(test_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    test_rows.write_parquet(folder / "rows.parquet")
    test_rows.drop("click").write_parquet(folder / "unlabelled.parquet")
    test_rows[:0].write_parquet(folder / "empty.parquet")
    return folder


def test_explains_a_run(call, make_run, data, tmp_path):
    options = ["--rows", 60, "--repeats", 1, "--seed", 3, "--features", "item_id,tags"]

    code, printed, error = call(
        "explain", make_run("fm").folder, data / "rows.parquet", "--out", tmp_path / "out", *options
    )

    assert (code, error) == (0, "")
    assert f"Wrote {tmp_path}/out: open" in printed.replace("\n", "")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "60 (seed 3)" in page and "item_id" in page and "user_id" not in page


@pytest.mark.parametrize(
    ("file", "options", "message"),
    [
        ("unlabelled", [], "Column `click` is missing in"),
        ("unlabelled", [], "leave importance out with `--repeats 0`"),
        ("empty", [], "must have rows to explain. Received: 0 rows"),
        ("absent", [], "absent.parquet doesn't exist"),
        (
            "rows",
            ["--features", "item"],
            "`features` must be features of the run. Received: 'item'",
        ),
        ("rows", ["--rows", "0"], "`rows` must be at least 1. Received: rows=0"),
        ("rows", ["--rows", "1"], "must have at least 2 rows to permute. Received: 1"),
    ],
)
def test_what_the_user_can_mend_is_one_line(call, make_run, data, tmp_path, file, options, message):
    arguments = [make_run("fm").folder, data / f"{file}.parquet", "--out", tmp_path / "out"]

    code, _, error = call("explain", *arguments, *options)

    assert code == 2
    assert len(error.splitlines()) == 1
    assert error.startswith("error: ") and message in error
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_run(call, data, tmp_path):
    code, _, error = call("explain", tmp_path, data / "rows.parquet", "--out", tmp_path / "out")

    assert code == 2
    assert "must be a run folder" in error


def test_without_matplotlib_nothing_is_read(call, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    code, _, error = call("explain", tmp_path / "no run", "no data", "--out", tmp_path / "out")

    assert code == 2
    assert "Received: no matplotlib. Install with: pip install matplotlib" in error
