import subprocess
import sys

import keras
import pytest


@pytest.mark.slow
def test_script_trains_and_saves(repository, prepared, tmp_path):
    script = repository / "pipelines" / "train_autoint.py"
    assert 60 <= len(script.read_text().splitlines()) <= 120
    arguments = [
        prepared,
        "--out",
        tmp_path / "model.keras",
        "--epochs",
        "2",
        "--batch-size",
        "128",
    ]

    done = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert "valid_auc" in done.stdout
    model = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert set(model.output) == {"click", "conversion"}
