import polars as pl

from ctrmoe.evaluation import evaluate


def test_empty_and_null_domains_are_the_same_missing_one(run, test_rows):
    place = pl.col("placement")
    rows = test_rows.with_row_index("row").with_columns(
        placement=pl.when(pl.col("row") < 90).then(None).when(pl.col("row") < 100).then(pl.lit(""))
        .otherwise(place)
    )  # fmt: skip

    report = evaluate(run, rows).report()

    domains = set(report["domain"].drop_nulls())
    assert domains == {"missing", *test_rows["placement"][100:].unique()}
    assert report.filter(domain="missing")["rows"].to_list() == [100, 100]
