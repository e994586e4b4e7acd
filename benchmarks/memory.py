"""Peak memory of prepare, train and score on a folder larger than they may hold.

Every command runs in a process of its own, parquet to parquet. A tenth of the rows are validated
on; the model is small, as its size does not depend on the data.

    python benchmarks/memory.py                        # 6 GB of rows, ten minutes
    python benchmarks/memory.py --gigabytes 1          # two minutes
    python benchmarks/memory.py --raw DIR --record     # keeps the rows in DIR, writes results/
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import clocks
import pyarrow.parquet as pq

from ctrmoe.data.synthetic import BLOCK_ROWS, SyntheticClicks

RESULT = Path(__file__).parent / "results" / "memory.md"
TARGET_GB = 1.2
CLICKS = SyntheticClicks(seed=1, num_numeric=40)
CONFIG = """
[model]
wide = true
[model.embedding]
dim = 8
[model.deep]
units = [64, 32]
[train]
epochs = 1
batch_size = 4096
"""
# The peak of the process itself: what `wait` reports counts the parent's memory at the fork too.
WORKER = """
import sys
from ctrmoe.cli import main
try:
    main(sys.argv[1:])
finally:
    status = open("/proc/self/status").read().splitlines()
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""


def write_rows(folder: Path, gigabytes: float) -> None:
    """Writes files of a million rows, `gigabytes` of them before encoding and compression."""
    row_bytes = CLICKS.frame(BLOCK_ROWS).estimated_size() / BLOCK_ROWS
    rows = round(gigabytes * 2**30 / row_bytes)
    print(f"writing {rows:,} rows of {row_bytes:.0f} bytes to {folder}", flush=True)
    CLICKS.write(folder, rows)


def count_rows(folder: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def run(rows: int, *arguments: Any) -> dict[str, Any]:
    """Runs a command of `ctrmoe` and returns its peak memory and its speed."""
    start, cpu = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-c", WORKER, *map(str, arguments)],
        env=clocks.worker_environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - cpu.children_user - cpu.children_system
    return {
        "command": arguments[0],
        "peak_gb": int(done.stdout.split()[-1]) / 2**20,
        "rows_s": rows / seconds,
        "rows_cpu_s": rows / used,
        "seconds": seconds,
    }


def measure(raw: Path, folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Runs the three commands on the same rows; returns figures and the packages' versions."""
    rows = count_rows(raw)
    schema, config = folder / "schema.toml", folder / "config.toml"
    schema.write_text(CLICKS.schema().dumps())
    config.write_text(CONFIG)
    prepared = folder / "prepared"
    split = ("--split", "random:0.9,0.1", "--out", prepared)
    commands = (
        ("prepare", "--schema", schema, "--train", raw, *split),
        ("train", config, "--set", f"data.prepared={prepared}", "--out", folder / "run"),
        ("score", folder / "run", raw, "--keep", "user_id,item_id", "--out", folder / "scores"),
    )
    figures = []
    for command in commands:
        figures.append(run(rows, *command))
        print(json.dumps(figures[-1]), flush=True)
    if count_rows(folder / "scores") != rows:
        raise RuntimeError("Every row must be scored.")
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    return figures, manifest["packages"]


def table(figures: list[dict[str, Any]], packages: dict[str, str], rows: int) -> str:
    row_bytes = CLICKS.frame(BLOCK_ROWS).estimated_size() / BLOCK_ROWS
    size = rows * row_bytes / 2**30
    lines = ["| command | peak memory, GB | rows/s | rows per CPU second |", "|---|---:|---:|---:|"]
    lines += [
        f"| {f['command']} | {f['peak_gb']:.2f} | {f['rows_s']:,.0f} | {f['rows_cpu_s']:,.0f} |"
        for f in figures
    ]
    versions = ", ".join(f"{name} {number}" for name, number in packages.items())
    return "\n\n".join(
        (
            "# Memory",
            f"{rows:,} rows of {CLICKS.frame(1).width} columns, {size:.1f} GB in memory; each "
            f"command in a process of its own, target {TARGET_GB} GB. The rate of `train` counts "
            "one epoch with its validation on a tenth of the rows, every rate the start of Python.",
            "\n".join(lines),
            f"`python benchmarks/memory.py --gigabytes {size:.1f} --record`, {clocks.THREADS} "
            f"threads, {clocks.machine()}; {versions}; load {os.getloadavg()[0]:.1f}.",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, default=6.2, help="size of the rows in memory")
    parser.add_argument("--raw", type=Path, help="folder of the rows, written if it isn't there")
    parser.add_argument("--folder", help="where the rest goes; a temporary folder by default")
    parser.add_argument("--record", action="store_true", help="write the table to results/")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        raw = args.raw or Path(name, "raw")
        if not raw.exists():
            write_rows(raw, args.gigabytes)
        text = table(*measure(raw, Path(name)), count_rows(raw))
    print(text)
    if args.record:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
