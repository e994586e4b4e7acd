import json
import shutil

import pytest

from ctrmoe.cli import main


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


@pytest.fixture
def folder(run, tmp_path):
    return shutil.copytree(run.folder, tmp_path / "run")


def test_calibrates_evaluates_and_removes(folder, clicks, tmp_path, capsys):
    clicks.frame(6_000, start=10_000).write_parquet(tmp_path / "rows.parquet")
    options = ["--method", "isotonic", "--by", "domain", "--min-clicks", 200]

    assert call("calibrate", folder, tmp_path / "rows.parquet", *options) == 0
    shown = capsys.readouterr().out
    assert "conversion" in shown and "→" in shown and "6,000" in shown
    assert call("evaluate", folder, tmp_path / "rows.parquet", "--json") == 0
    pcoc = json.loads(capsys.readouterr().out)["tasks"]["click"]["pcoc"]
    assert pcoc == pytest.approx(1, abs=0.01)
    assert call("calibrate", folder, tmp_path / "rows.parquet") == 2
    assert "Add `--overwrite`" in " ".join(capsys.readouterr().err.split())

    assert call("calibrate", folder, "--remove") == 0
    assert not (folder / "calibration.json").exists()


@pytest.mark.parametrize("arguments", [[], ["rows.parquet", "--remove"]])
def test_data_or_removal(folder, capsys, arguments):
    assert call("calibrate", folder, *arguments) == 2

    assert "Give either labelled DATA or `--remove`" in " ".join(capsys.readouterr().err.split())
