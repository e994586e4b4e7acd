"""Turns the original train.txt of the Criteo Display Advertising Challenge into three tables.

    python datasets/criteo/prepare.py train.txt --out data/criteo

Ten stratified folds with seed 2018, as AutoInt's authors and BARS split it: the first is
test.parquet, the second valid.parquet, the other eight train.parquet.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.progress import track

from ctrmoe.data.folds import stratified_folds, write_parts

NUMBERS = [f"I{i}" for i in range(1, 14)]
CODES = [f"C{i}" for i in range(1, 27)]
SCHEMA = {"label": pl.Int8} | dict.fromkeys(NUMBERS, pl.Int64) | dict.fromkeys(CODES, pl.String)
PARTS = {"test": (0,), "valid": (1,), "train": tuple(range(2, 10))}
CHUNK_ROWS = 262_144


def read_original(path: Path) -> pl.LazyFrame:
    """Opens a file of the publisher, gzipped or not: tabs, no header, empty where missing."""
    return pl.scan_csv(path, separator="\t", has_header=False, quote_char=None, schema=SCHEMA)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="train.txt, or train.txt.gz")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2018, help="of the folds")
    options = parser.parse_args(arguments)
    table = read_original(options.file)
    print("Reading the labels")
    labels = table.select("label").collect(engine="streaming")["label"].to_numpy()
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
