import gzip

import polars as pl
import pytest

from ctrmoe.data.synthetic import SyntheticClicks
from ctrmoe.limits import Limits
from ctrmoe.ranking.quality import check
from ctrmoe.schema import Feature, Schema, SchemaError

CLICKS = SyntheticClicks(seed=5, vocabulary_sizes={"user_id": 400, "item_id": 100, "device": 5})
SCHEMA = CLICKS.schema()
TRAIN, TEST = CLICKS.frame(3_000), CLICKS.frame(1_000, start=3_000)


def changed(**limits):
    return SCHEMA.replace(limits=Limits(**limits))


def test_report_does_not_depend_on_the_chunks():
    schema = changed(rare=0.0, psi=0.0, new_categories=0.0, overlap=0.0, label_rate=0.0)
    sizes = {"max_keys": 200, "max_rows": 500}

    reports = [
        check(TRAIN, schema, against=TEST, chunk_rows=rows, **sizes) for rows in (100, 3_000)
    ]

    assert reports[0].findings == reports[1].findings != ()
    assert reports[0].statistics.equals(reports[1].statistics)


def test_clicks_without_a_fault_pass():
    report = check(TRAIN, SCHEMA, against=TEST)

    assert report.passed, report.findings
    assert (report.rows, report.against_rows) == (3_000, 1_000)


def test_csv_and_parquet_are_compared(tmp_path):
    flat = TRAIN.select("timestamp", "placement", "user_id", "number_0", "click")
    flat.write_parquet(tmp_path / "train.parquet")
    flat.write_csv(tmp_path / "same.csv")
    schema = Schema.from_dict(
        {
            "name": "t",
            "timestamp": "timestamp",
            "tasks": [{"name": "click"}],
            "features": [
                {"name": "user_id", "kind": "categorical"},
                {"name": "placement", "kind": "categorical"},
                {"name": "number_0", "kind": "numeric"},
            ],
        }
    )

    report = check(tmp_path / "train.parquet", schema, against=tmp_path / "same.csv")

    assert [(f.check, f.value) for f in report.findings] == [("overlap", 1.0)]
    drift = report.statistics.filter(table="against")
    assert drift["psi"].to_list() == pytest.approx([0, 0, 0], abs=1e-9)


def test_limit_of_one_column_wins():
    schema = changed(unique=0.0, columns={"item_id": {"unique": 1.0}, "device": {"unique": 0.5}})

    found = {finding.column for finding in check(TRAIN, schema).findings}

    assert "user_id" in found
    assert not found & {"item_id", "device"}


def test_statistics_hold_a_row_for_each_column():
    statistics = check(TRAIN, SCHEMA, against=TEST).statistics

    assert (
        statistics["table"].value_counts().sort("table")["count"].to_list()
        == [len(SCHEMA.features)] * 2
    )
    user = statistics.row(
        by_predicate=(pl.col("table") == "data") & (pl.col("column") == "user_id"), named=True
    )
    assert user["distinct"] == TRAIN["user_id"].n_unique()
    assert user["coverage"] == 1.0
    assert 0.4 < user["auc_click"] < 0.8


def test_truncated_parquet_is_refused(tmp_path):
    path = tmp_path / "cut.parquet"
    TRAIN.write_parquet(path)
    path.write_bytes(path.read_bytes()[:-1_000])

    with pytest.raises(SchemaError, match=r"cut\.parquet can't be read"):
        check(path, SCHEMA)


def test_truncated_gzip_is_refused(tmp_path):
    path = tmp_path / "cut.csv.gz"
    text = TRAIN.select("click", "user_id").write_csv().encode()
    path.write_bytes(gzip.compress(text)[:-200])

    with pytest.raises(SchemaError, match=r"cut\.csv\.gz"):
        check(path, SCHEMA)


def test_table_without_rows_is_refused():
    with pytest.raises(SchemaError, match="has no rows. Check the path"):
        check(TRAIN, SCHEMA, against=TEST[:0])


def test_column_of_nulls_and_text_that_is_no_number_are_missing():
    odd = TRAIN.with_columns(pl.lit(None).alias("device"), pl.lit("x").alias("number_0"))

    found = {f.column for f in check(odd, SCHEMA).findings if f.check == "missing"}

    assert found == {"device", "number_0"}


def test_derived_features_are_checked_by_their_columns():
    derived = SCHEMA.replace(
        features=(
            Feature(name="both", kind="categorical", cross=("placement", "device")),
            Feature(name="copy", kind="numeric", source="number_0"),
        )
    )
    copied = TRAIN.with_columns(device=pl.col("click").cast(pl.String))

    assert check(TRAIN, derived).statistics["column"].unique().sort().to_list() == [
        "device",
        "number_0",
        "placement",
    ]
    assert [(f.check, f.column) for f in check(copied, derived).findings] == [("leakage", "device")]
