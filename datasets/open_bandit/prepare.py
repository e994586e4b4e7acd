"""Joins the original files of the Open Bandit Dataset to one table, impressions.parquet.

    python datasets/open_bandit/prepare.py open_bandit_dataset --out data/open_bandit

Reads {random,bts}/{all,men,women}/{campaign}.csv and item_context.csv of the full or the small
release. An item is named after its campaign, `men_7`: the campaigns number their own items.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from rich.progress import track

from ctrmoe.data.parquet import AtomicParquetWriter

SOURCES = [
    (policy, campaign) for policy in ("random", "bts") for campaign in ("all", "men", "women")
]
AFFINITY = "user-item_affinity_"
CHUNK_ROWS = 131_072


def read_items(path: Path, campaign: str) -> pl.DataFrame:
    """Reads the features of a campaign's items."""
    items = pl.read_csv(path, schema_overrides={"item_feature_0": pl.Float64})
    return items.select(
        pl.format("{}_{}", pl.lit(campaign), "item_id").alias("item_id"),
        pl.col("^item_feature_.*$"),
    )


def read_impressions(path: Path, policy: str, campaign: str) -> Iterator[pl.DataFrame]:
    """Reads a log chunk by chunk; of the affinities, only that to the item shown is kept."""
    header = pl.read_csv(path, n_rows=0).columns
    affinities = [name for name in header if name.startswith(AFFINITY)]
    types = dict.fromkeys(affinities, pl.Float64) | {"propensity_score": pl.Float64}
    logged = pl.scan_csv(path, schema_overrides=types)
    shown = pl.concat_list(affinities).list.get(pl.col("item_id"))
    table = logged.select(
        "timestamp",
        pl.format("{}_{}", pl.lit(campaign), "item_id").alias("item_id"),
        "position",
        "click",
        "propensity_score",
        pl.col("^user_feature_.*$"),
        user_item_affinity=shown,
        campaign=pl.lit(campaign),
        policy=pl.lit(policy),
    )
    yield from table.collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with random/all/all.csv, bts/men/men.csv, ...")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rows = clicks = 0
    with AtomicParquetWriter(options.out / "impressions.parquet") as writer:
        for policy, campaign in track(SOURCES, "Joining"):
            folder = options.folder / policy / campaign
            items = read_items(folder / "item_context.csv", campaign)
            for chunk in read_impressions(folder / f"{campaign}.csv", policy, campaign):
                table = chunk.join(items, on="item_id", how="left", maintain_order="left")
                writer.write(table)
                rows, clicks = rows + table.height, clicks + int(table["click"].sum())
    print(f"{rows:,} impressions, {clicks / rows:.2%} clicks")


if __name__ == "__main__":
    main()
