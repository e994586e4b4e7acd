"""Every named config runs on any prepared folder, from training to the served model."""

from pathlib import Path

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.export import export
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.training import train

CONFIGS = sorted((Path(__file__).parents[2] / "pipelines" / "configs").glob("*.toml"))
NAMES = {
    "autoint",
    "autoint_plus",
    "dcn_v2",
    "deepfm",
    "dlrm",
    "dnn",
    "fgcnn",
    "fm",
    "infnet",
    "infnet_v2",
    "logistic_regression",
    "xdeepfm",
}
CASES = {path.stem: (path, []) for path in CONFIGS} | {
    f"dnn with {kind}": (CONFIGS[0].with_stem("dnn"), [f"model.pooling={{kind='{kind}'}}"])
    for kind in ("self_attention", "target_attention")
}
HISTORIES = [[], None, ["item_1"] * 20, ["unseen", "item_2"], [None, "", "item_3"]]


def test_names():
    assert {path.stem for path in CONFIGS} == NAMES


@pytest.fixture
def rows(test_rows) -> pl.DataFrame:
    """Raw rows, the first of them with odd histories."""
    histories = [*HISTORIES, *test_rows["history"].to_list()[len(HISTORIES) :]]
    return test_rows.with_columns(history=pl.Series(histories, dtype=pl.List(pl.String)))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_trains_reloads_and_exports(case, prepared, rows, tmp_path):
    path, options = CASES[case]
    options = [f"data.prepared={prepared}", "train.epochs=1", "train.batch_size=500", *options]

    run = train(Config.load(path, options), tmp_path / "run")

    encoded = run.encoder.encode(rows)
    logits = run.predictor(encoded)
    reloaded = keras.saving.load_model(tmp_path / "run/model.keras", compile=False)(pack(encoded))
    served = tf.saved_model.load(str(export(run, tmp_path / "model")))
    answer = served.signatures["serving_default"](**raw_tensors(rows, run.schema))
    for task, logit in logits.items():
        np.testing.assert_allclose(reloaded[task], logit, atol=1e-5)
        np.testing.assert_allclose(answer[task][:, 0], 1 / (1 + np.exp(-logit)), atol=1e-5)
