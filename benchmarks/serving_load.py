"""Load on `ctrmoe serve`: 200 rows a request from 16 users at a time, beside the bare graph.

The bare graph is the exported signature called in a process of its own on tensors in memory, 200
rows a call, the faster of one call at a time and one a core. The server, and the load generator,
have processes of their own on the same machine. Half-way through the long load a new version is
published.

    python benchmarks/serving_load.py                       # three minutes and the training
    python benchmarks/serving_load.py --models DIR --record # keeps the models in DIR
    python benchmarks/serving_load.py --seconds 6 --short 2 # quick
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clocks
import polars as pl

from ctrmoe.data.synthetic import SyntheticClicks
from ctrmoe.serving.client import ClientOptions, RestClient
from ctrmoe.serving.load import Load, Target, generate
from ctrmoe.serving.load.bodies import read_signatures, request_bodies
from ctrmoe.serving.load.senders import connector

RESULT = Path(__file__).parent / "results" / "serving_load.md"
WORKER = Path(__file__).parent / "serving_load_worker.py"
CONFIG = Path(__file__).parents[1] / "pipelines" / "configs" / "autoint.toml"
CLICKS = SyntheticClicks(seed=1)
TRAIN_ROWS, ROWS = 100_000, 200
CANDIDATE_COLUMNS = "item_id,category,number_0"
SIGNATURES = ("serving_default", "serve_candidates")
USERS = 16
SHARE, SPREAD = 0.7, 5.0
"""Least of the bare graph's rows/s, and most times the median that p99 may be."""


def make_models(folder: Path) -> None:
    """Trains AutoInt and exports it twice; the second version waits beside the models."""
    command = [sys.executable, "-m", "ctrmoe.cli"]
    (folder / "schema.toml").write_text(CLICKS.schema().dumps())
    CLICKS.frame(TRAIN_ROWS).write_parquet(folder / "train.parquet")
    valid = CLICKS.frame(10_000, start=TRAIN_ROWS)
    valid.write_parquet(folder / "valid.parquet")
    prepared = ("--train", "train.parquet", "--valid", "valid.parquet", "--out", "prepared")
    short = ("--set", "train.epochs=1", "--set", "data.prepared=prepared", "--out", "run")
    candidates = ("--candidates", CANDIDATE_COLUMNS)
    for arguments in (
        ("prepare", "--schema", "schema.toml", *prepared),
        ("train", CONFIG, *short),
        ("export", "run", "--to", "models/ctr", "--version", "1", *candidates),
        ("export", "run", "--to", "next/ctr", "--version", "2", *candidates),
    ):
        subprocess.run([*command, *map(str, arguments)], cwd=folder, check=True)


def bare(folder: Path, rows: Path, signature: str, seconds: float) -> float:
    """Returns the rows/s of the exported signature without a server."""
    done = subprocess.run(
        [sys.executable, WORKER, folder, rows, signature, str(ROWS), str(seconds)],
        env=clocks.worker_environment(),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(signature, figures, flush=True)
    return max(figures.values())


@contextmanager
def serving(base: Path) -> Iterator[tuple[str, str]]:
    """Runs `ctrmoe serve`; gives the addresses of REST and gRPC."""
    command = [sys.executable, "-m", "ctrmoe.cli", "serve", str(base)]
    ports = ("--rest-port", "0", "--grpc-port", "0")
    process = subprocess.Popen(
        [*command, *ports],
        env=clocks.worker_environment() | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        rest = re.search(r"http://([\d.:]+)/", line)
        grpc = re.search(r"gRPC ([\d.:]+\d)", line)
        if rest is None or grpc is None:
            raise RuntimeError(f"The server must say where it is. Received: {line!r}")
        yield rest[1], grpc[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


class Loads:
    """Sends loads to a server.

    Args:
        rest: Its address.
        grpc: Of gRPC.
        rows: Raw rows.
    """

    def __init__(self, rest: str, grpc: str, rows: pl.DataFrame) -> None:
        self._places = {"REST": f"http://{rest}/ctr", "gRPC": f"grpc://{grpc}/ctr"}
        self._access, self._rows = ClientOptions(deadline=30.0), rows

    def measure(self, way: str, signature: str, load: Load) -> dict[str, Any]:
        """Returns the figures of a load, warm-up requests before it left out."""
        target = Target.parse(self._places[way])
        known = read_signatures(target, self._access, [signature])[signature]
        columns = CANDIDATE_COLUMNS.split(",")
        bodies = request_bodies(target, self._access, known, self._rows, ROWS, columns)
        connect = connector(target, self._access)
        generate(connect, bodies, ROWS, Load(seconds=1, concurrency=USERS))
        figures = generate(connect, bodies, ROWS, load).figures()
        print(way, signature, json.dumps(figures), flush=True)
        return {"way": way, "signature": signature, "load": load} | figures

    def check_published(self) -> None:
        """Checks that the second version had come to be served."""
        with RestClient(self._places["REST"].removesuffix("/ctr"), "ctr") as client:
            served = {status.version for status in client.status() if status.is_available}
        if 2 not in served:
            raise RuntimeError(f"Version 2 must be served. Received: versions {served}.")


def publish(waiting: Path, base: Path) -> None:
    """Moves the waiting version among the served ones, as an export does at its end."""
    staged = base / ".2.partial"
    shutil.copytree(waiting, staged)
    os.replace(staged, base / "2")


def measure(models: Path, seconds: float, short: float) -> tuple[list[dict[str, Any]], dict]:
    """Returns the figures of all loads, and the rows/s of the bare signatures."""
    base, rows = models / "models" / "ctr", models / "valid.parquet"
    shutil.rmtree(base / "2", ignore_errors=True)
    frame = pl.read_parquet(rows)
    without = {name: bare(base / "1", rows, name, short) for name in SIGNATURES}
    brief = Load(seconds=short, concurrency=USERS)
    with serving(base) as (rest, grpc):
        loads = Loads(rest, grpc, frame)
        measured = [
            loads.measure("gRPC", "serve_candidates", brief),
            loads.measure("REST", "serving_default", brief),
            loads.measure("REST", "serve_candidates", brief),
        ]
        timer = threading.Timer(seconds / 2, publish, (models / "next" / "ctr" / "2", base))
        timer.start()
        long = Load(seconds=seconds, concurrency=USERS)
        measured.append(loads.measure("gRPC", "serving_default", long))
        timer.join()
        loads.check_published()
        half = measured[-1]["requests_s"] / 2
        rated = Load(seconds=short, concurrency=USERS, rate=half)
        measured.append(loads.measure("gRPC", "serving_default", rated))
    return measured, without


def missed(long: dict[str, Any], without: dict[str, float]) -> list[str]:
    """Returns what the long load should have shown and did not."""
    share = long["rows_s"] / without["serving_default"]
    spread = long["p99_ms"] / long["p50_ms"]
    found = {
        f"{share:.0%} of the bare graph's rows/s": share < SHARE,
        f"p99 is {spread:.1f} times the median": spread > SPREAD,
        f"{long['failed']} requests failed": long["failed"] > 0,
    }
    return [text for text, wrong in found.items() if wrong]


def table(measured: list[dict[str, Any]], without: dict[str, float], command: str) -> str:
    lines = [
        "| over | signature | load | requests | failed | rows/s | of bare | p50 ms | p95 | p99 "
        "| p99.9 |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in measured:
        load: Load = row["load"]
        how = f"{load.rate:.0f} requests/s" if load.rate else f"{load.concurrency} at a time"
        figures = (row["p50_ms"], row["p95_ms"], row["p99_ms"], row["p99.9_ms"])
        lines.append(
            f"| {row['way']} | `{row['signature']}` | {how}, {load.seconds:.0f} s | "
            f"{row['requests']:,} | {row['failed']} | {row['rows_s']:,.0f} | "
            f"{row['rows_s'] / without[row['signature']]:.0%} | "
            + " | ".join(f"{figure:.1f}" for figure in figures)
            + " |"
        )
    graphs = ", ".join(f"`{name}` {rate:,.0f}" for name, rate in without.items())
    return "\n\n".join(
        (
            "# Load on the local server",
            f"AutoInt (three layers of two heads of 32) on {len(CLICKS.schema().features)} "
            f"features, {ROWS} rows, or candidates, a request. Server, load generator and, before "
            "them, the bare graph share the machine. In the middle of the longest load a new "
            "version was published. Latency at a rate counts from when a request was due.",
            "\n".join(lines),
            f"Bare graph, {ROWS} rows a call, rows/s: {graphs}.",
            f"`{command}`, "
            f"{clocks.THREADS} threads, {clocks.machine()}; load {os.getloadavg()[0]:.1f}.",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=120, help="of the longest load")
    parser.add_argument("--short", type=float, default=5, help="seconds of each other one")
    parser.add_argument("--models", type=Path, help="folder of the models, made if not there")
    parser.add_argument("--record", action="store_true", help="write the table to results/")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        models = args.models or Path(name)
        if not (models / "next").exists():
            models.mkdir(parents=True, exist_ok=True)
            make_models(models)
        measured, without = measure(models.absolute(), args.seconds, args.short)
    command = f"serving_load.py --seconds {args.seconds:g} --short {args.short:g} --record"
    text = table(measured, without, f"python benchmarks/{command}")
    print(text)
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")
    long = next(row for row in measured if row["load"].seconds == args.seconds)
    if problems := missed(long, without):
        sys.exit("; ".join(problems))


if __name__ == "__main__":
    main()
