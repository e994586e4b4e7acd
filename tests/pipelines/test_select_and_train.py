import subprocess
import sys

import pytest

from ctrmoe.run import Run
from ctrmoe.schema import Schema


@pytest.mark.slow
def test_script_trains_on_the_features_it_has_chosen(repository, tmp_path):
    script = repository / "pipelines" / "select_and_train.py"
    assert 60 <= len(script.read_text().splitlines()) <= 120
    arguments = ["--select", "6", "--crosses", "2", "--epochs", "1", "--out", tmp_path / "out"]

    done = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr[-2000:]
    chosen = Schema.load(tmp_path / "out" / "schema.toml")
    assert len(chosen.features) == 8
    assert sum(bool(feature.cross) for feature in chosen.features) == 2
    trained = Run(tmp_path / "out" / "chosen" / "run").schema
    assert [f.name for f in trained.features] == [f.name for f in chosen.features]
    everything, some = done.stdout.splitlines()[-2:]
    assert everything.startswith("all ") and some.startswith("chosen ")
    areas = [float(word.rstrip(",")) for line in (everything, some) for word in line.split()[4::2]]
    assert len(areas) == 4 and min(areas) > 0.8
