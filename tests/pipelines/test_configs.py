"""Every named config runs on any prepared folder, from training to the served model."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.export import export
from ctrmoe.export.raw_graph import served_schema
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.layers import POOLINGS
from ctrmoe.prediction import reads_domain
from ctrmoe.scoring import score
from ctrmoe.training import train

CONFIGS = sorted((Path(__file__).parents[2] / "pipelines" / "configs").glob("*.toml"))
NAMES = {
    "adaptdhm",
    "adasparse",
    "autoint",
    "autoint_plus",
    "dcn_v2",
    "deepfm",
    "dlrm",
    "dnn",
    "domain_towers",
    "fgcnn",
    "fm",
    "hinet",
    "infnet",
    "infnet_v2",
    "logistic_regression",
    "m2m",
    "m3oe",
    "mmoe",
    "pepnet",
    "ple",
    "sarnet",
    "shared_bottom",
    "star",
    "xdeepfm",
}
# Two blocks show what one after another does; all of them are built, saved and loaded elsewhere.
OPTIONS = dict.fromkeys(["infnet", "infnet_v2"], ["model.interaction.num_blocks=2"])
CASES = {path.stem: (path, OPTIONS.get(path.stem, [])) for path in CONFIGS} | {
    f"dnn with {kind}": (CONFIGS[0].with_stem("dnn"), [f"model.pooling={{kind='{kind}'}}"])
    for kind in sorted(set(POOLINGS) - {"mean"})
}
ITEMS = [f"item_{i}" for i in range(20)]
HISTORIES = [[], None, ITEMS, ITEMS[::-1], ["unseen", "item_2"], ["unseen"], [None, "", "item_3"]]


def test_names():
    assert {path.stem for path in CONFIGS} == NAMES


@pytest.fixture
def rows(test_rows) -> pl.DataFrame:
    """Raw rows; the first have odd histories, two of them no list, and domains never seen."""
    odd = pl.Series(HISTORIES, dtype=pl.List(pl.String))
    tags = pl.Series([[], None, *test_rows["tags"].to_list()[2 : len(HISTORIES)]])
    places = pl.Series(["unseen", None, *test_rows["placement"].to_list()[2 : len(HISTORIES)]])
    first = test_rows.head(len(HISTORIES)).with_columns(history=odd, tags=tags, placement=places)
    return pl.concat([first, test_rows.slice(len(HISTORIES))])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_trains_reloads_exports_and_scores(case, prepared, rows, tmp_path):
    path, options = CASES[case]
    options = [f"data.prepared={prepared}", "train.epochs=1", "train.batch_size=500", *options]

    run = train(Config.load(path, options), tmp_path / "run")

    encoded = run.encoder.encode(rows)
    logits = run.predictor(encoded)
    served = tf.saved_model.load(str(export(run, tmp_path / "model"))).signatures
    rows.write_parquet(tmp_path / "rows.parquet")
    score(run.folder, [tmp_path / "rows.parquet"], tmp_path / "scores")  # reloads the model
    scored = pl.read_parquet(tmp_path / "scores/rows.parquet")
    by_domain = reads_domain(run.model)
    raw = served["serving_default"](**raw_tensors(rows, served_schema(run.encoder, by_domain)))
    packed = {name: tf.constant(matrix) for name, matrix in pack(encoded, by_domain).items()}
    batch = served["serve_encoded"](**packed)
    for task, logit in logits.items():
        expected = 1 / (1 + np.exp(-logit))
        assert np.isfinite(logit).all() and np.ptp(logit[: len(HISTORIES)]) > 0
        for answer in (raw[task][:, 0], batch[task][:, 0], scored[f"{task}_probability"]):
            np.testing.assert_allclose(answer, expected, atol=1e-5)
