import polars as pl
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.evaluation import evaluate
from ctrmoe.export.accuracy import measure_accuracy
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError


@pytest.fixture(scope="module")
def holdout(test_rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("holdout") / "rows.parquet"
    test_rows.write_parquet(path)
    return path


def test_export_that_rounds_nothing_costs_nothing(run, exported, holdout):
    found = measure_accuracy(run, exported, [holdout], max_auc_loss=1e-6)

    expected = evaluate(run, [holdout]).result()["tasks"]
    assert (found["rows"], found["max_auc_loss"]) == (700, 1e-6)
    for task, figures in found["tasks"].items():
        for when in ("before", "after"):
            for name in ("auc", "logloss"):
                assert figures[f"{name}_{when}"] == pytest.approx(expected[task][name], abs=1e-5)


def test_export_of_other_weights_is_found_out(run, exported, holdout):
    other = Run(run.folder)
    for variable in other.model.variables:
        variable.assign(variable * 0.9 + 0.1)

    with pytest.raises(ConfigError, match="must not move by more than 0.0005. Received: 0.*after"):
        measure_accuracy(other, exported, [holdout], max_auc_loss=0.0005)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda rows: rows.with_columns(click=pl.lit(0)),
            ConfigError,
            "must hold rows of both labels of task `click`. Received: rows of one",
        ),
        (lambda rows: rows.drop("click"), SchemaError, "The label `click` of task `click` must be"),
    ],
)
def test_rows_that_tell_nothing(run, exported, test_rows, tmp_path, change, error, message):
    change(test_rows).write_parquet(tmp_path / "rows.parquet")

    with pytest.raises(error, match=message):
        measure_accuracy(run, exported, [tmp_path / "rows.parquet"], max_auc_loss=1.0)
