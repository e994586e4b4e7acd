"""Turns the original train.csv of the Avazu click-through rate challenge into three tables.

    python datasets/avazu/prepare.py train.gz --out data/avazu

The hour 14102103 (YYMMDDHH, UTC) becomes a timestamp, the hour of the day and the weekday; the
row id is left out. Ten stratified folds with seed 2018, as AutoInt's authors and BARS split it:
the first is test.parquet, the second valid.parquet, the other eight train.parquet.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.progress import track

from ctrmoe.data.folds import stratified_folds, write_parts

CODES = "C1 banner_pos device_type device_conn_type".split() + [f"C{i}" for i in range(14, 22)]
PARTS = {"test": (0,), "valid": (1,), "train": tuple(range(2, 10))}
CHUNK_ROWS = 262_144


def read_original(path: Path) -> pl.LazyFrame:
    """Opens a file of the publisher, gzipped or not, with the hour taken apart."""
    # Of all columns, only these hold whole numbers; hashes such as 85751813 look like some.
    types = {"click": pl.Int8, "hour": pl.Int64} | dict.fromkeys(CODES, pl.Int64)
    table = pl.scan_csv(path, infer_schema=False, quote_char=None).cast(types)
    year, month, day, hour = (pl.col("hour") // 100**i % 100 for i in (3, 2, 1, 0))
    moment = pl.datetime(2000 + year, month, day, hour)
    return table.select(
        pl.exclude("id", "hour"),
        timestamp=moment,
        hour=hour,
        weekday=moment.dt.weekday().cast(pl.Int64),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="train.csv, or train.gz as Kaggle serves it")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2018, help="of the folds")
    options = parser.parse_args(arguments)
    table = read_original(options.file)
    print("Reading the labels")
    labels = table.select("click").collect(engine="streaming")["click"].to_numpy()
    print(f"{len(labels):,} rows, {labels.mean():.2%} clicks")
    folds = stratified_folds(labels, 10, options.seed)
    chunks = table.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
    total = -(-len(labels) // CHUNK_ROWS)
    write_parts(track(chunks, "Writing", total=total), folds, PARTS, options.out)
    for part, numbers in PARTS.items():
        chosen = labels[np.isin(folds, numbers)]
        print(f"{part}: {len(chosen):,} rows, {chosen.mean():.2%} clicks")


if __name__ == "__main__":
    main()
