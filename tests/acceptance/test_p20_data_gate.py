"""P20: `ctrmoe check` stops a pipeline at each fault of the data, and says which it is."""

import json
from pathlib import Path

import polars as pl
import pytest

from ctrmoe.cli import main

SAMPLE = Path(__file__).parents[2] / "ctrmoe/sample/census_income"
TRAIN = pl.read_parquet(SAMPLE / "train.parquet")
TEST = pl.read_parquet(SAMPLE / "test.parquet")
TIMES = pl.Series("time", range(TRAIN.height)) * 60 + 1_700_000_000
TENTH = pl.int_range(pl.len()) % 10 == 0
# By the check that finds it: the training rows, the test rows.
FAULTS = {
    "columns": (TRAIN, TEST.drop("age")),
    "types": (TRAIN, TEST.with_columns(pl.col("weeks_worked").cast(pl.String))),
    "missing_change": (
        TRAIN,
        TEST.with_columns(
            pl.when(TENTH | (pl.col("age") > 40)).then(None).otherwise("sex").alias("sex")
        ),
    ),
    "psi": (TRAIN, TEST.with_columns(pl.col("age") + 20)),
    "jensen_shannon": (TRAIN, TEST.with_columns(pl.col("sex").first())),
    "new_categories": (
        TRAIN,
        TEST.with_columns(
            pl.when(pl.col("age") > 30).then(pl.lit("new")).otherwise("race").alias("race")
        ),
    ),
    "leakage": (TRAIN.with_columns(age=1 - pl.col("income_over_50k")), None),
    "duplicate_columns": (TRAIN.with_columns(education="major_occ_code"), None),
    "overlap": (TRAIN, pl.concat([TEST, TRAIN[:2_000]])),
    "timestamp_outliers": (
        TRAIN.with_columns(TIMES.set(TIMES > TIMES[-3], TIMES[-1] + 10**8)),
        None,
    ),
}


@pytest.fixture
def check(tmp_path, capsys):
    """Returns a function that gives the exit code of `ctrmoe check` and what it printed."""

    def run(train, test):
        arguments = ["--json", "--schema", str(tmp_path / "schema.toml")]
        text = (SAMPLE / "schema.toml").read_text()
        if "time" in train.columns:
            text = 'timestamp = "time"\n' + text
        (tmp_path / "schema.toml").write_text(text)
        train.write_parquet(tmp_path / "train.parquet")
        if test is not None:
            test.write_parquet(tmp_path / "test.parquet")
            arguments += ["--against", str(tmp_path / "test.parquet")]
        with pytest.raises(SystemExit) as ended:
            main(["check", str(tmp_path / "train.parquet"), *arguments])
        return ended.value.code or 0, json.loads(capsys.readouterr().out)["findings"]

    return run


def test_clean_sample_passes(check):
    assert check(TRAIN.with_columns(TIMES), TEST.with_columns(TIMES[: TEST.height])) == (0, [])


@pytest.mark.parametrize("name", FAULTS)
def test_fault_stops_a_pipeline(check, name):
    code, findings = check(*FAULTS[name])

    assert code == 3
    assert name in [finding["check"] for finding in findings]
