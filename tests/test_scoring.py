import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import Scorer
from ctrmoe.scoring import PLAN, score


@pytest.fixture
def folder(test_rows, tmp_path):
    """Two files in a partitioned folder, the second with several row groups."""
    folder = tmp_path / "raw"
    (folder / "day=1").mkdir(parents=True)
    test_rows.head(100).write_parquet(folder / "day=1" / "a.parquet")
    test_rows.tail(600).write_parquet(folder / "b.parquet", row_group_size=90)
    return folder


def test_files_rows_and_columns_are_kept(exported, folder, test_rows, tmp_path):
    summary = score(exported, [folder], tmp_path / "out", keep=["user_id", "day"][:1])

    assert (summary.rows, summary.files, summary.skipped) == (700, 2, 0)
    names = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*.*"))
    assert names == ["b.parquet", "day=1", "day=1/a.parquet"] or names == [
        "b.parquet",
        "day=1/a.parquet",
    ]
    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    assert scored.columns == ["user_id", "click_probability", "conversion_probability"]
    assert scored["user_id"].to_list() == test_rows.tail(600)["user_id"].to_list()
    assert scored["click_probability"].dtype == pl.Float32
    assert scored["click_probability"].is_between(0, 1, closed="none").all()


def test_scores_are_those_of_the_rows_one_by_one(exported, folder, test_rows, tmp_path):
    score(exported, [folder / "b.parquet"], tmp_path / "out")
    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    scorer = Scorer.load(exported)

    for row in (0, 299, 599):
        alone = scorer.score(test_rows.tail(600).slice(row, 1))
        for name in scored.columns:
            assert alone[name][0] == pytest.approx(scored[name][row], abs=1e-6)


def test_run_folder_scores_as_its_export(run, exported, folder, tmp_path):
    score(run.folder, [folder], tmp_path / "a")
    score(exported.parent, [folder], tmp_path / "b")

    a, b = (pl.read_parquet(tmp_path / name / "b.parquet") for name in "ab")
    for name in a.columns:
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)


def test_kept_column_called_like_a_task(exported, folder, tmp_path):
    score(exported, [folder / "b.parquet"], tmp_path / "out", keep=["click"])

    scored = pl.read_parquet(tmp_path / "out" / "b.parquet")
    assert scored.columns == ["click", "click_probability", "conversion_probability"]
    assert set(scored["click"].unique()) == {0, 1}


def test_file_without_rows_gives_a_file_without_rows(exported, test_rows, tmp_path):
    test_rows.clear().write_parquet(tmp_path / "none.parquet")

    score(exported, [tmp_path / "none.parquet"], tmp_path / "out", keep=["user_id"])

    scored = pl.read_parquet(tmp_path / "out" / "none.parquet")
    assert scored.height == 0
    assert scored.columns == ["user_id", "click_probability", "conversion_probability"]


def test_output_that_exists(exported, folder, tmp_path):
    score(exported, [folder], tmp_path / "out")

    with pytest.raises(SchemaError, match=r"b\.parquet exists already\. Add `--resume`"):
        score(exported, [folder], tmp_path / "out")
    summary = score(exported, [folder], tmp_path / "out", resume=True)
    assert (summary.files, summary.skipped) == (0, 2)


def test_resuming_with_other_columns(exported, folder, tmp_path):
    out = tmp_path / "out"
    score(exported, [folder], out)
    (out / PLAN).write_text("{}")

    with pytest.raises(SchemaError, match="holds scores of another model or other columns"):
        score(exported, [folder], out, resume=True)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["absent"], "Column `absent` is missing in .*parquet"),
        (["click_probability"], "`--keep` must not name an output column"),
    ],
)
def test_column_that_cannot_be_kept(exported, folder, tmp_path, keep, message):
    with pytest.raises(SchemaError, match=message):
        score(exported, [folder], tmp_path / "out", keep=keep)
    assert not list((tmp_path / "out").rglob("*.parquet"))


def test_output_onto_the_input(exported, folder, tmp_path):
    with pytest.raises(SchemaError, match="is an input file"):
        score(exported, [folder], folder)


def test_folder_that_is_no_model(folder, tmp_path):
    with pytest.raises(ConfigError, match="must be an exported model"):
        score(folder, [folder], tmp_path / "out")


@pytest.mark.slow
def test_killed_scoring_resumes_to_the_same_files(exported, test_rows, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    for number in range(30):
        pl.concat([test_rows] * 20).write_parquet(raw / f"{number:02}.parquet")
    command = [sys.executable, "-m", "ctrmoe.cli", "score", exported, raw, "--resume", "--out"]
    subprocess.run([*command, tmp_path / "whole"], check=True)
    command.append(tmp_path / "killed")

    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("0*.parquet")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert len(list((tmp_path / "killed").glob("[0-9]*.parquet"))) < 30
    subprocess.run(command, check=True)

    for path in (tmp_path / "whole").glob("*.parquet"):
        assert pl.read_parquet(tmp_path / "killed" / path.name).equals(pl.read_parquet(path))
    left = sorted(path.name for path in (tmp_path / "killed").iterdir())
    assert left == sorted(path.name for path in (tmp_path / "whole").iterdir())
