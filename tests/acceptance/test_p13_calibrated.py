"""P13: the exported score is a probability after `ctrmoe calibrate`, on an untouched holdout.

That down-sampling and class weights alone are undone is tested with the trainer. Dropout on the
tokens moves the mean prediction besides, and no shift knows by how much.
"""

import polars as pl
import pytest

from ctrmoe.calibrate import calibrate
from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.evaluation import evaluate
from ctrmoe.export import export
from ctrmoe.metrics import pcoc
from ctrmoe.scorer import Scorer
from ctrmoe.training import train

TRAIN, FIT, HOLDOUT = 30_000, 100_000, 100_000


@pytest.fixture(scope="module")
def tables(clicks, tmp_path_factory):
    """Rows for the fit, and later ones that nothing else reads."""
    folder = tmp_path_factory.mktemp("p13")
    clicks.frame(FIT, start=TRAIN).write_parquet(folder / "fit.parquet")
    clicks.frame(HOLDOUT, start=TRAIN + FIT).write_parquet(folder / "holdout.parquet")
    return folder


@pytest.fixture(scope="module")
def badly_calibrated(clicks, tmp_path_factory):
    """A run of few steps: a quarter of the negatives, heavy positives, half the tokens dropped."""
    folder = tmp_path_factory.mktemp("p13")
    schema = clicks.schema()
    schema = schema.replace(tasks=schema.tasks[:1])
    prepare(schema, clicks.frame(TRAIN), out=folder / "prepared")
    config = {
        "data": {"prepared": str(folder / "prepared"), "negative_rate": 0.25},
        "model": {
            "embedding": {"dim": 4, "dropout": 0.5},
            "interaction": {"kind": "autoint", "num_layers": 1, "num_heads": 2, "key_dim": 4},
        },
        "train": {"epochs": 1, "batch_size": 512, "positive_weight": 3.0},
    }
    return train(Config.from_dict(config), folder / "run")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_holdout_is_calibrated_as_a_whole_and_by_domain(badly_calibrated, tables, tmp_path, method):
    run = badly_calibrated
    holdout = pl.read_parquet(tables / "holdout.parquet")
    raw = pcoc(holdout["click"], run.shifted_logits(run.encoder.encode(holdout))["click"])
    assert abs(raw - 1) > 0.1

    calibrate(run, [tables / "fit.parquet"], method=method, by="domain", overwrite=True)

    scored = Scorer.load(export(run, tmp_path / "clicks")).score(holdout)["click_probability"]
    assert scored.mean() / holdout["click"].mean() == pytest.approx(1, abs=0.02)
    result = evaluate(run, [tables / "holdout.parquet"]).result()
    assert result["tasks"]["click"]["pcoc"] == pytest.approx(1, abs=0.02)
    large = [of["click"] for of in result["domains"].values() if of["click"]["positives"] >= 2_000]
    assert len(large) == 3
    for figures in large:
        assert figures["pcoc"] == pytest.approx(1, abs=0.05)
