"""Draws the sample that ctrmoe carries from the tables that `prepare.py` wrote.

python datasets/census_income/sample.py data/census_income --out ctrmoe/sample/census_income
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import polars as pl

SEED = 1994
ROWS = {"train": 30_000, "test": 10_000}


def draw(table: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
    """Returns `rows` rows without replacement, in the table's order.

    Python's generator is used because its stream is fixed across versions.
    """
    return table[sorted(random.Random(seed).sample(range(table.height), rows))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with train.parquet and test.parquet")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for part, rows in ROWS.items():
        table = draw(pl.read_parquet(options.folder / f"{part}.parquet"), rows, SEED)
        path = options.out / f"{part}.parquet"
        table.write_parquet(path, compression="zstd", compression_level=19)
        print(f"{path}: {rows:,} rows")


if __name__ == "__main__":
    main()
