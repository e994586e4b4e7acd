import subprocess
import sys

import keras
import pytest

import ctrmoe.training  # noqa: F401  (what a saved model is made of)
from ctrmoe.data.prepare import prepare
from ctrmoe.layers import Mixture


def script(repository, prepared, tmp_path, *arguments):
    path = repository / "pipelines" / "train_multi_domain.py"
    assert 60 <= len(path.read_text().splitlines()) <= 120
    words = [prepared, "--out", tmp_path / "model.keras", "--epochs", "1", "--batch-size", "128"]
    command = [sys.executable, path, *words, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("router", ["per_domain", "cluster"])
def test_script_trains_and_saves(router, repository, prepared, tmp_path):
    done = script(repository, prepared, tmp_path, "--router", router)

    assert done.returncode == 0, done.stderr[-2000:]
    assert "valid_auc" in done.stdout and "switch_loss" in done.stdout
    model = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert set(model.output) == {"click", "conversion"}
    (mixture,) = (layer for layer in model.layers if isinstance(layer, Mixture))
    assert mixture.routers[0].kind == router


def test_script_needs_a_domain(repository, clicks, tmp_path):
    rows = clicks.frame(400)
    prepare(clicks.schema().replace(domain=""), rows, valid=rows, out=tmp_path / "prepared")

    done = script(repository, tmp_path / "prepared", tmp_path)

    assert done.returncode == 1
    assert "must name a `domain`" in done.stderr
