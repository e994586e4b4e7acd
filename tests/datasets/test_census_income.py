import io
import runpy
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ctrmoe.schema import Schema

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "ctrmoe" / "sample" / "census_income"
FOLDER = ROOT / "datasets" / "census_income"
FILES = {"train": "census-income.data", "test": "census-income.test"}


def write_original(folder):
    """Writes the sample as the publisher does: `73, Not in universe, 0, ..., - 50000.`"""
    income = pl.when(pl.col("income_over_50k") == 1).then(pl.lit("50000+."))
    for part, name in FILES.items():
        table = pl.read_parquet(SAMPLE / f"{part}.parquet").with_columns(
            pl.col("instance_weight").round(2),
            income=income.otherwise(pl.lit("- 50000.")),
        )
        table = table.drop("income_over_50k", "never_married").cast(pl.String)
        lines = table.select(pl.concat_str(pl.all(), separator=", ")).to_series()
        (folder / name).write_text("\n".join(lines) + "\n")


def test_prepare_restores_the_tables_of_the_sample(tmp_path):
    write_original(tmp_path)

    runpy.run_path(str(FOLDER / "prepare.py"))["main"]([str(tmp_path), "--out", str(tmp_path)])

    for part in FILES:
        expected = pl.read_parquet(SAMPLE / f"{part}.parquet")
        assert_frame_equal(
            pl.read_parquet(tmp_path / f"{part}.parquet"), expected, check_exact=True
        )


def test_download_unpacks_the_nested_archive(tmp_path, monkeypatch):
    recipe = runpy.run_path(str(FOLDER / "prepare.py"))
    tables, archive = io.BytesIO(), tmp_path / "census.zip"
    with tarfile.open(fileobj=tables, mode="w:gz") as tar:
        for name in FILES.values():
            member = tarfile.TarInfo(f"./{name}")
            member.size = 4
            tar.addfile(member, io.BytesIO(b"73, "))
    with zipfile.ZipFile(archive, "w") as outer:
        outer.writestr("census.tar.gz", tables.getvalue())
    monkeypatch.setitem(recipe["download"].__globals__, "URL", archive.as_uri())

    recipe["download"](tmp_path / "census")

    assert {path.name for path in (tmp_path / "census").iterdir()} == set(FILES.values())


def test_sample_keeps_the_order_and_draws_once():
    draw = runpy.run_path(str(FOLDER / "sample.py"))["draw"]

    rows = draw(pl.DataFrame({"row": range(100)}), 30, seed=1)["row"].to_list()

    assert len(set(rows)) == 30
    assert rows == sorted(rows)


@pytest.mark.parametrize("path", [SAMPLE / "schema.toml", FOLDER / "schema.toml"])
def test_schema_fits_the_table_and_keeps_the_labels_source_out(path):
    schema = Schema.load(path)
    table = pl.read_parquet(SAMPLE / "train.parquet")

    used = {feature.name for feature in schema.features}
    left_out = {"marital_stat", "det_hh_fam_stat", "det_hh_summ", "instance_weight"}
    assert set(table.columns) - used == left_out | {"income_over_50k", "never_married"}
    assert schema.domain == "class_worker"
    # The words that spell the label are in no column that is used.
    texts = table.select(pl.selectors.string() & pl.selectors.by_name(*used)).unpivot()["value"]
    assert not texts.str.contains("(?i)never married|never marr|spouse").any()


def test_sample_is_small():
    files = [SAMPLE / f"{part}.parquet" for part in FILES]

    assert sum(pl.read_parquet(file).height for file in files) <= 40_000
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) <= 1_000_000
