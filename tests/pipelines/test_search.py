import re
import subprocess
import sys

import polars as pl
import pytest

from ctrmoe.run import Run
from ctrmoe.schema import Schema


@pytest.mark.slow
def test_script_starts_from_the_ranking_and_keeps_the_best_trial(repository, tmp_path, clicks):
    script = repository / "pipelines" / "search.py"
    assert 60 <= len(script.read_text().splitlines()) <= 155
    clicks.frame(3_000).write_parquet(tmp_path / "train.parquet")
    clicks.frame(1_000, start=3_000).write_parquet(tmp_path / "test.parquet")
    (tmp_path / "schema.toml").write_text(clicks.schema().dumps())
    files = [f"--{name}={tmp_path / name}.parquet" for name in ("train", "test")]
    files += [f"--schema={tmp_path / 'schema.toml'}", f"--out={tmp_path / 'out'}"]

    done = subprocess.run(
        [sys.executable, script, *files, "--trials", "4", "--epochs", "1"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    trials = re.findall(r"trial \d: valid_auc ([\d.]+), .*'features': (\d+)", done.stdout)
    assert len(trials) == 4
    features = [int(count) for _, count in trials]
    assert features[1] == len(clicks.schema().features)
    assert features[2] == max(features[0] // 2, 1)
    areas = [float(area) for area, _ in trials]
    best = areas.index(max(areas))
    assert f"Best: trial {best} in" in done.stdout
    (kept,) = (tmp_path / "out").glob("trial_*")
    assert kept.name == f"trial_{best:03d}"
    run = Run(kept)
    assert run.metrics["best"]["valid_auc"] == pytest.approx(max(areas), abs=1e-4)
    assert Schema.load(tmp_path / "out" / "schema.toml").to_dict() == run.schema.to_dict()


@pytest.mark.slow
def test_script_without_the_ranking_starts_from_all_features(repository, tmp_path, clicks):
    script = repository / "pipelines" / "search.py"
    clicks.frame(1_500).write_parquet(tmp_path / "train.parquet")
    (tmp_path / "schema.toml").write_text(clicks.schema().dumps())
    files = [f"--{name}={tmp_path / 'train.parquet'}" for name in ("train", "test")]
    files += [f"--schema={tmp_path / 'schema.toml'}", f"--out={tmp_path / 'out'}"]

    done = subprocess.run(
        [sys.executable, script, *files, "--trials", "3", "--epochs", "1", "--unguided"],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    trials = pl.read_csv(tmp_path / "out" / "trials.csv")
    assert trials["trial"].to_list() == [0, 1, 2]
    assert trials["features"][0] == len(clicks.schema().features)
    best = int(trials["valid_auc"].arg_max())
    assert f"Best: trial {best} in" in done.stdout
