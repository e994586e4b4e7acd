"""P15: every row is routed by its own domain, whatever else is in its batch."""

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config
from ctrmoe.scorer import Scorer
from ctrmoe.training import train


@pytest.mark.parametrize("way", ["run", "serve_encoded", "serving_default", "serve_examples"])
def test_p15_mixed_batch_equals_batches_of_one_domain(answers, every_kind, way):
    rows = every_kind(300, 9).drop("click").with_row_index()
    assert rows["placement"].n_unique() == 3

    mixed = np.array(answers(rows)[way])

    for part in rows.partition_by("placement"):
        alone = answers(part)[way]
        np.testing.assert_allclose(alone, mixed[part["index"]], atol=1e-6)


def test_p15_batch_of_one_equals_its_row_in_a_mixed_batch(answers, every_kind):
    rows = every_kind(12, 10).drop("click")
    strange = rows.with_columns(placement=pl.lit("a domain that no training saw")).tail(2)
    rows = pl.concat([rows, strange])
    mixed = answers(rows)

    for row in range(rows.height):
        for way, alone in answers(rows.slice(row, 1)).items():
            assert alone.shape == (1,)
            assert float(alone[0]) == pytest.approx(float(mixed[way][row]), abs=1e-6)


@pytest.mark.parametrize("name", ["adaptdhm", "mmoe", "star"])
def test_p15_multi_domain_models_route_each_row_by_itself(
    name, prepared, test_rows, repository, tmp_path
):
    overrides = [f"data.prepared={prepared}", "train.epochs=1", "train.batch_size=500"]
    config = Config.load(repository / f"pipelines/configs/{name}.toml", overrides)
    run = train(config, tmp_path / "run")
    rows = test_rows.head(60).with_row_index()
    rows = rows.with_columns(
        placement=pl.when(pl.col("index") < 5).then(pl.lit("unseen")).otherwise("placement")
    )

    # Loaded anew, and once: what routes rows is in the file, and no batch moves it.
    scorer = Scorer.load(run.folder)

    def answers(rows):
        return scorer.score(rows)["click_probability"].to_numpy()

    mixed = answers(rows)

    for part in rows.partition_by("placement"):
        np.testing.assert_allclose(answers(part), mixed[part["index"]], atol=1e-6)
    np.testing.assert_allclose(answers(rows.slice(3, 1)), mixed[3:4], atol=1e-6)
    assert ((mixed > 0.01) & (mixed < 0.99)).all()
