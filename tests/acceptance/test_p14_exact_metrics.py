"""P14: `evaluate` gives the AUC of scikit-learn where one row in a thousand is positive.

A million rows and the other figures are in `tests/metrics`.
"""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from ctrmoe.evaluation import evaluate


@pytest.mark.slow
def test_p14_evaluation_at_a_tenth_of_a_percent_equals_scikit_learn(
    every_kind_run, every_kind, tmp_path
):
    rows = every_kind(100_000, 30)
    logits = every_kind_run.predictor(every_kind_run.encoder.encode(rows))["click"]
    odds = np.exp(np.clip(logits.astype(np.float64), -2, 2))
    label = np.random.default_rng(31).random(len(odds)) < 0.001 * odds / odds.mean()
    rows = rows.with_columns(click=pl.Series(label.astype(np.int8)))
    rows.write_parquet(tmp_path / "rows.parquet")
    assert 50 < label.sum() < 150

    result = evaluate(every_kind_run, [tmp_path / "rows.parquet"]).result()

    figures = result["tasks"]["click"]
    assert figures["auc"] == pytest.approx(roc_auc_score(label, logits), abs=1e-6)
    # Of logits that a float64 probability can tell from 0 and 1: scikit-learn clips the others.
    mild = np.abs(logits) < 30
    z = logits.astype(np.float64)
    loss = np.logaddexp(0, z) - label * z
    assert loss[mild].mean() == pytest.approx(
        log_loss(label[mild], 1 / (1 + np.exp(-z[mild]))), rel=1e-6
    )
    assert figures["logloss"] == pytest.approx(loss.mean(), rel=1e-5)
    for domain, part in result["domains"].items():
        inside = (rows["placement"] == domain).to_numpy()
        expected = roc_auc_score(label[inside], logits[inside])
        assert part["click"]["auc"] == pytest.approx(expected, abs=1e-6)
    assert len(result["domains"]) == 3
