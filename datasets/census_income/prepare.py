"""Turns the original files of Census-Income (KDD) into train.parquet and test.parquet.

python datasets/census_income/prepare.py census --out data/census_income [--download]
"""

from __future__ import annotations

import argparse
import io
import tarfile
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

URL = "https://archive.ics.uci.edu/static/public/117/census+income+kdd.zip"
PARTS = {"train": "census-income.data", "test": "census-income.test"}
COLUMNS = (
    "age class_worker det_ind_code det_occ_code education wage_per_hour hs_college marital_stat "
    "major_ind_code major_occ_code race hisp_origin sex union_member unemp_reason "
    "full_or_part_emp capital_gains capital_losses stock_dividends tax_filer_stat "
    "region_prev_res state_prev_res det_hh_fam_stat det_hh_summ instance_weight mig_chg_msa "
    "mig_chg_reg mig_move_reg mig_same mig_prev_sunbelt num_emp fam_under_18 country_father "
    "country_mother country_self citizenship own_or_self vet_question vet_benefits weeks_worked "
    "year income"
).split()
NUMBERS = (
    "age wage_per_hour capital_gains capital_losses stock_dividends num_emp weeks_worked"
).split()


def download(folder: Path) -> None:
    """Fetches the archive of the UCI repository and unpacks the two tables."""
    print(f"Downloading {URL}")
    with urllib.request.urlopen(URL) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive.read("census.tar.gz"))) as tables:
        for member in tables:
            if Path(member.name).name in PARTS.values():
                (folder / Path(member.name).name).write_bytes(tables.extractfile(member).read())


def read_original(path: Path) -> pl.DataFrame:
    """Reads a file of the publisher: no header, a space after every comma, codes as text."""
    table = pl.read_csv(
        path,
        has_header=False,
        quote_char=None,
        schema=dict.fromkeys(COLUMNS, pl.String),
    ).with_columns(pl.all().str.strip_chars())
    return table.with_columns(
        pl.col(NUMBERS).cast(pl.Int64),
        pl.col("instance_weight").cast(pl.Float64),
        income_over_50k=(pl.col("income") == "50000+.").cast(pl.Int8),
        never_married=(pl.col("marital_stat") == "Never married").cast(pl.Int8),
    ).drop("income")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with census-income.data and census-income.test")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--download", action="store_true", help="fetch the files into the folder")
    options = parser.parse_args(arguments)
    if options.download:
        download(options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    for part, name in PARTS.items():
        table = read_original(options.folder / name)
        table.write_parquet(options.out / f"{part}.parquet")
        rates = table.select(pl.col("income_over_50k", "never_married").mean()).row(0)
        print(f"{part}: {table.height:,} rows, income over 50k {rates[0]:.2%}, ", end="")
        print(f"never married {rates[1]:.2%}")


if __name__ == "__main__":
    main()
