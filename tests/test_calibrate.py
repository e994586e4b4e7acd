import json
import shutil

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from ctrmoe.calibrate import calibrate, remove_calibration
from ctrmoe.config import ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.evaluation import evaluate
from ctrmoe.export import ExportOptions, export
from ctrmoe.metrics import auc
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import Scorer

ROWS = 6_000


@pytest.fixture(scope="module")
def rows(clicks, tmp_path_factory):
    """A file of labelled rows; the run was trained on others."""
    path = tmp_path_factory.mktemp("calibration") / "rows.parquet"
    clicks.frame(ROWS, start=10_000).write_parquet(path)
    return path


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the trained run."""
    return Run(shutil.copytree(run.folder, tmp_path / "run"))


@pytest.fixture(scope="module")
def calibrated(run, rows, tmp_path_factory):
    """A run that is calibrated by domain, isotonically."""
    copy = Run(shutil.copytree(run.folder, tmp_path_factory.mktemp("calibrated") / "run"))
    calibrate(copy, [rows], method="isotonic", by="domain", min_clicks=100)
    return copy


def odd_domains(frame):
    """The rows once more, of an unknown domain and of a missing one."""
    odd = [frame.with_columns(placement=pl.lit(value, pl.String)) for value in ("new", None)]
    return pl.concat([frame, *odd])


def clicks_of(evaluator):
    return evaluator.result()["tasks"]["click"]


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_figures_of_the_fit_get_better(copied, rows, method):
    found = calibrate(copied, [rows], method=method)

    for task in ("click", "conversion"):
        figures = found.fitted["tasks"][task]
        assert figures["rows"] == ROWS
        assert figures["after"]["logloss"] < figures["before"]["logloss"]
        assert figures["after"]["pcoc"] == pytest.approx(1, abs=1e-4)


def test_calibration_is_written_into_the_run(calibrated, rows):
    written = json.loads((calibrated.folder / "calibration.json").read_text())

    assert written["method"] == "isotonic"
    assert written["fitted"]["by"] == "domain"
    assert written["fitted"]["data"] == ["rows.parquet"]
    domains = pl.read_parquet(rows)["placement"].unique()
    assert set(written["maps"]["click"]["domains"]) == set(domains)
    assert calibrated.calibration.fitted == written["fitted"]


def test_small_domains_keep_the_map_of_all_rows(copied, rows):
    frame = pl.read_parquet(rows)
    positives = frame.group_by("placement").agg(pl.col("conversion").sum())
    limit = int(positives["conversion"].median())

    found = calibrate(copied, [rows], by="domain", min_clicks=limit)

    large = positives.filter(pl.col("conversion") >= limit)["placement"]
    assert 0 < len(large) < len(positives)
    assert set(found.domains["conversion"]) == set(large)


def test_scores_of_the_run_are_calibrated_by_domain(calibrated, run, test_rows):
    frame = odd_domains(test_rows)
    encoded = run.encoder.encode(frame)
    calibration = calibrated.calibration

    scored = Scorer.load(calibrated.folder).score(frame)

    for task in ("click", "conversion"):
        maps = calibration.domains[task]
        expected = [
            expit(maps.get(domain, calibration.maps[task])(logit))
            for domain, logit in zip(
                frame["placement"], run.shifted_logits(encoded)[task], strict=True
            )
        ]
        np.testing.assert_allclose(scored[f"{task}_probability"], expected, atol=2e-6)
    assert maps
    assert not np.allclose(scored, Scorer.load(run.folder).score(frame), atol=1e-3)


def test_export_is_calibrated_by_domain(calibrated, test_rows, tmp_path):
    """Its own check has compared all signatures, candidates of one domain too; here odd domains."""
    frame = odd_domains(test_rows)

    options = ExportOptions(candidates=["item_id", "category"], batch_buckets=[1])

    folder = export(calibrated, tmp_path / "clicks", options)

    expected = Scorer.load(calibrated.folder).score(frame)
    np.testing.assert_allclose(Scorer.load(folder).score(frame), expected, atol=1e-6)


def test_evaluation_is_of_the_calibrated_probabilities(calibrated, run, rows):
    before, after = (
        evaluate(each, [rows]).result()["tasks"]["click"] for each in (run, calibrated)
    )

    assert after["pcoc"] == pytest.approx(1, abs=0.005)
    assert after["ece"] < before["ece"]


def test_evaluation_by_one_map_keeps_the_auc(copied, run, rows):
    calibrate(copied, [rows], method="isotonic")

    before, after = (clicks_of(evaluate(each, [rows])) for each in (run, copied))

    assert after["auc"] == pytest.approx(before["auc"], abs=1e-6)
    probabilities = Scorer.load(copied.folder).score(pl.read_parquet(rows))["click_probability"]
    labels = pl.read_parquet(rows)["click"].to_numpy()
    assert auc(labels, probabilities.to_numpy()) == pytest.approx(before["auc"], abs=1e-5)


def test_scorings_of_a_run_before_and_after_are_told_apart(copied, rows):
    before = Scorer.load(copied.folder).fingerprint

    calibrate(copied, [rows])

    assert Scorer.load(copied.folder).fingerprint != before


def test_removal_gives_the_first_probabilities_back(copied, run, rows, test_rows):
    calibrate(copied, [rows])
    remove_calibration(copied)

    assert (
        Scorer.load(copied.folder).score(test_rows).equals(Scorer.load(run.folder).score(test_rows))
    )
    with pytest.raises(
        ConfigError, match="must be calibrated. Received: no calibration.json in it"
    ):
        remove_calibration(copied)


def test_second_calibration_starts_from_the_model(copied, rows):
    first = calibrate(copied, [rows])

    with pytest.raises(ConfigError, match="is calibrated already. Add `--overwrite`"):
        calibrate(copied, [rows])

    assert calibrate(copied, [rows], overwrite=True) == first


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda rows: rows.drop("click"), SchemaError, "label `click` of task `click` must be a"),
        (
            lambda rows: rows.with_columns(click=pl.lit(0)),
            ConfigError,
            "must hold 100 rows or more of each label of task `click`. Received: 0 of label 1",
        ),
        (lambda rows: rows.head(150), ConfigError, "must hold 100 rows or more of each label"),
        (lambda rows: rows.head(0), ConfigError, "Received: 0 of label 1, 0 of label 0"),
        (
            lambda rows: rows.with_columns(conversion=pl.lit(None, pl.Int8)),
            ConfigError,
            "of task `conversion`. Received: 0 of label 1, 0 of label 0",
        ),
    ],
    ids=["no label", "one class", "few rows", "no rows", "one task has none"],
)
def test_data_that_tells_too_little(copied, rows, tmp_path, change, error, message):
    change(pl.read_parquet(rows)).write_parquet(tmp_path / "bad.parquet")

    with pytest.raises(error, match=message):
        calibrate(copied, [tmp_path / "bad.parquet"])
    assert copied.calibration is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "plat"}, "`--method` must be one of .*Received: 'plat'.*platt"),
        ({"by": "placement"}, "`--by` must be 'domain' or left out. Received: 'placement'"),
        ({"by": "domain", "min_clicks": 99}, "`--min-clicks` must be 100 or more.*Received: 99"),
    ],
)
def test_unknown_options(copied, rows, options, message):
    with pytest.raises(ConfigError, match=message):
        calibrate(copied, [rows], **options)


def test_by_domain_without_domains(copied, rows):
    encoder = copied.encoder
    schema = encoder.schema.replace(domain="")
    copied.encoder = Encoder(schema, encoder.vocabularies, encoder.statistics)

    with pytest.raises(ConfigError, match="`--by domain` needs a schema with a domain"):
        calibrate(copied, [rows], by="domain")
