"""P12: extreme numbers are clipped, infinite ones are missing, and the loss stays finite."""

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.prepare import prepare
from ctrmoe.scorer import Scorer
from ctrmoe.training import train

EXTREMES = [1e30, -1e30, float("inf"), float("-inf"), float("nan"), None]


@pytest.fixture(scope="module")
def numbers(every_kind_run):
    return [f.name for f in every_kind_run.schema.features if f.kind == "numeric"]


@pytest.fixture(scope="module")
def extreme_data(every_kind_run, every_kind, numbers, tmp_path_factory):
    """A prepared folder in which three of ten numbers are extreme, those of validation too."""

    def rows(count, seed):
        frame = every_kind(count, seed)
        rng = np.random.default_rng(seed)
        drawn = {}
        for name in numbers:
            extreme = pl.Series(rng.random(count) < 0.3)
            values = pl.Series([EXTREMES[i] for i in rng.integers(6, size=count)], dtype=pl.Float32)
            drawn[name] = values.zip_with(extreme, frame[name])
        return frame.with_columns(**drawn)

    schema = every_kind_run.schema
    out = tmp_path_factory.mktemp("extreme") / "prepared"
    prepare(schema, rows(1_000, 20), valid=rows(300, 21), out=out)
    return out, rows(200, 22)


def config(prepared, every_kind_run, **options):
    table = every_kind_run.config.to_dict()
    table["data"]["prepared"] = str(prepared)
    table["train"] |= options
    return Config.from_dict(table)


@pytest.mark.parametrize("optimizer", ["lazy_adam", "adagrad", "ftrl"])
def test_p12_training_on_extreme_numbers_stays_finite(
    extreme_data, every_kind_run, tmp_path, optimizer
):
    prepared, rows = extreme_data

    run = train(config(prepared, every_kind_run, optimizer={"kind": optimizer}), tmp_path / "run")

    history = pl.read_csv(run.folder / "history.csv")
    figures = history.select(pl.selectors.numeric()).to_numpy()
    assert history.height == 2
    assert np.isfinite(figures).all()
    assert all(np.isfinite(np.array(v)).all() for v in run.model.weights)
    probabilities = Scorer.load(run.folder).score(rows)["click_probability"]
    assert probabilities.is_between(0, 1).all()


def test_p12_numbers_that_are_not_finite_are_missing(answers, change_rows, numbers):
    for name in numbers:
        rows = change_rows(*((name, value) for value in EXTREMES[2:]), (name, 1.0))

        for way, probabilities in answers(rows).items():
            values = np.array(probabilities)
            np.testing.assert_allclose(values[:-1], values[0], atol=1e-7, err_msg=f"{name} {way}")
            assert values[-1] != values[0], f"{name} {way}"


def test_p12_numbers_beyond_those_of_training_are_clipped(
    answers, change_rows, numbers, every_kind_run
):
    for name in numbers:
        bounds = every_kind_run.encoder.statistics[name]
        assert -1e6 < bounds.lower < bounds.upper < 1e6
        rows = change_rows(
            *((name, value) for value in (1e30, 3e38, bounds.upper)),
            *((name, value) for value in (-1e30, -3e38, bounds.lower)),
        )

        for way, probabilities in answers(rows).items():
            high, low = np.split(np.array(probabilities), 2)
            np.testing.assert_allclose(high, high[0], atol=1e-7, err_msg=f"{name} {way}")
            np.testing.assert_allclose(low, low[0], atol=1e-7, err_msg=f"{name} {way}")
            assert high[0] != low[0], f"{name} {way}"


def test_p12_loss_that_breaks_names_the_raw_features(extreme_data, every_kind_run, tmp_path):
    prepared, _ = extreme_data
    given = config(prepared, every_kind_run, learning_rate=1e30, optimizer={"kind": "sgd"})

    with pytest.raises(ConfigError, match=r"read without a transform: plain\."):
        train(given, tmp_path / "run")
