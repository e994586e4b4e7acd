"""Retrieval alone, and our ranker after it: `pipelines/retrieve_and_rank.py` on several seeds.

    python benchmarks/retrieve_and_rank.py ratings.parquet --runs DIR --seeds 1 2 3 --record

Finished seeds in `--runs` are not run again. Nothing was chosen on the test window: the towers'
settings on the window before it, the ranker's were the first that were tried.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import clocks
import keras
import polars as pl
import tensorflow as tf

HERE = Path(__file__).parent
PIPELINE = HERE.parent / "pipelines" / "retrieve_and_rank.py"
RESULT = HERE / "results" / "retrieve_and_rank.md"
PACKAGES = {
    "TensorFlow": tf.__version__,
    "Keras": keras.__version__,
    "TensorFlow Recommenders": version("tensorflow-recommenders"),
    "legacy Keras": version("tf-keras"),
}
HEAD = """# Retrieve and rank

MovieLens-1M, cut in time at 75 % and 90 % of the ratings. A like is a rating of 4 or 5. Recall is
over 100 candidates, NDCG over the first 10, both against all that a user likes in the test window,
films without a past included. Median [range] of the seeds {seeds}; {users:,} test users."""


def figures_of(ratings: Path, folder: Path, seed: int) -> dict[str, dict[str, float]]:
    """Runs the pipeline with a seed where that has not been done."""
    if not folder.exists():
        command = [sys.executable, PIPELINE, ratings, "--out", folder, "--seed", str(seed)]
        subprocess.run(command, check=True)
    return json.loads((folder / "figures.json").read_text())


def cell(values: list[float]) -> str:
    return f"{statistics.median(values):.4f} [{min(values):.4f} – {max(values):.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ratings", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--record", action="store_true", help="write the table to results/")
    args = parser.parse_args()
    args.runs.mkdir(parents=True, exist_ok=True)
    runs = [figures_of(args.ratings, args.runs / str(seed), seed) for seed in args.seeds]
    users = pl.read_parquet(args.runs / str(args.seeds[0]) / "ranked.parquet")["user_id"].n_unique()
    seeds = " ".join(map(str, args.seeds))
    lines = ["| order | recall@100 | NDCG@10 |", "|---|---:|---:|"]
    for name in runs[0]:
        recall, ndcg = (cell([run[name][figure] for run in runs]) for figure in ("recall", "ndcg"))
        lines.append(f"| {name} | {recall} | {ndcg} |")
    versions = ", ".join(f"{package} {number}" for package, number in PACKAGES.items())
    parts = [
        HEAD.format(seeds=seeds.replace(" ", ", "), users=users),
        "\n".join(lines),
        f"Machine: {clocks.machine()}. {versions}.",
        "Command: `python benchmarks/retrieve_and_rank.py ratings.parquet --runs DIR --seeds "
        f"{seeds} --record`; the table by `datasets/movielens_1m/prepare.py --protocol domains`.",
    ]
    text = "\n\n".join(parts) + "\n"
    print(text)
    if args.record:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
