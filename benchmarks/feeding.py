"""Rows/s of the training feed alone: encoded parquet to shuffled batches, and to TensorFlow.

python benchmarks/feeding.py            # a minute
python benchmarks/feeding.py --record   # writes results/
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import clocks

os.environ.update(clocks.worker_environment())

import beside_deepctr
import pyarrow as pa
import tensorflow as tf

from ctrmoe.data.dataset import TrainingFeed
from ctrmoe.schema import Schema

RESULT = Path(__file__).parent / "results" / "feeding.md"


def rows_per_second(batches: Any, batch_size: int) -> tuple[float, float]:
    """Rows per second of wall time and of CPU time."""
    with clocks.stopwatch() as times:
        count = sum(1 for _ in batches)
    return count * batch_size / times["wall"], count * batch_size / times["cpu"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--valid-rows", type=int, default=1_000)
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--batch-size", type=int, default=4096)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        beside_deepctr.make_data(Path(name), args)
        prepared = Path(name) / "prepared"
        schema = Schema.load(prepared / "schema.toml")
        feed = TrainingFeed(prepared / "train", schema, batch_size=args.batch_size, seed=args.seed)
        ways = {"NumPy batches": feed.batches, "tf.data, as `fit` reads it": feed.dataset}
        steps = feed.steps_per_epoch
        figures: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for number in range(args.repetitions):
            for way, read in ways.items():
                figures[way].append(rows_per_second(read(number * steps, steps), args.batch_size))
                print(number + 1, way, figures[way][-1], flush=True)
    lines = ["| | rows/s | rows per CPU second |", "|---|---:|---:|"]
    for way, runs in figures.items():
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        lines.append(f"| {way} | {wall:,.0f} | {cpu:,.0f} |")
    text = "\n\n".join(
        (
            "# Feeding",
            f"Median of {args.repetitions} epochs over {args.rows:,} rows of 39 ids, batches of "
            f"{args.batch_size:,}, rows shuffled in buffers of {feed.shuffle_rows:,}.",
            "\n".join(lines),
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads, "
            f"1-minute load {os.getloadavg()[0]:.1f}. "
            f"TensorFlow {tf.__version__}, pyarrow {pa.__version__}.",
            f"Command: `python benchmarks/feeding.py --rows {args.rows} --seed {args.seed} "
            "--record`",
        )
    )
    print(text)
    if args.record:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
