"""Every named config runs on any prepared folder, from training to the served model."""

from pathlib import Path

import keras
import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.export import export
from ctrmoe.scorer import Scorer
from ctrmoe.training import train

CONFIGS = sorted((Path(__file__).parents[2] / "pipelines" / "configs").glob("*.toml"))
NAMES = {
    "autoint",
    "autoint_plus",
    "dcn_v2",
    "deepfm",
    "dnn",
    "fgcnn",
    "fm",
    "infnet",
    "infnet_v2",
    "logistic_regression",
    "xdeepfm",
}


def test_names():
    assert {path.stem for path in CONFIGS} == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_trains_reloads_and_exports(path, prepared, test_rows, tmp_path):
    settings = [f"data.prepared={prepared}", "train.epochs=1", "train.batch_size=500"]

    run = train(Config.load(path, settings), tmp_path / "run")
    scorer = Scorer.load(export(run, tmp_path / "model"))

    encoded = run.encoder.encode(test_rows)
    reloaded = keras.saving.load_model(tmp_path / "run/model.keras", compile=False)
    copy = {task: np.asarray(logit) for task, logit in reloaded(_inputs(encoded)).items()}
    served = scorer.predictor(encoded)
    for task, logits in run.predictor(encoded).items():
        np.testing.assert_allclose(copy[task], logits, atol=1e-5)
        np.testing.assert_allclose(served[task], 1 / (1 + np.exp(-logits)), atol=1e-5)


def _inputs(encoded):
    return {
        "ids": encoded.ids,
        "sequences": encoded.sequences,
        "values": encoded.values,
    }
