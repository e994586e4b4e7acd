"""Rows/s and peak memory of preparation: 13 counts and 26 text categoricals of Criteo's shape.

Vocabularies and statistics are fitted, every row is encoded and written, parquet to parquet, in a
process of its own, with one thread and with two, in turns. Text ids follow power laws.

    python benchmarks/prepare_speed.py                              # a minute
    python benchmarks/prepare_speed.py --rows 10000000 --record     # ten minutes and 4 GB of disk
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import clocks
import numpy as np
import polars as pl
from criteo_rows import CRITEO

from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Feature, Schema, Task

RESULT = Path(__file__).parent / "results" / "prepare_speed.md"
FILE_ROWS = 1_000_000
CHUNK_ROWS = 100_000
NUMBERS = [f"I{i}" for i in range(1, 14)]
TEXTS = [f"C{i}" for i in range(1, 27)]
TRANSFORMS = ("log_square", "standard", "log", "none", "quantile")


def schema(min_count: int) -> Schema:
    numbers = [
        Feature(name=name, kind="numeric", transform=TRANSFORMS[i % len(TRANSFORMS)])
        for i, name in enumerate(NUMBERS)
    ]
    texts = [Feature(name=name, kind="categorical", min_count=min_count) for name in TEXTS]
    return Schema(name="speed", tasks=(Task(name="click"),), features=(*numbers, *texts))


def words(count: int, field: int) -> pl.Series:
    """Eight hexadecimal digits for each id of a field, as in Criteo's files."""
    codes = (np.arange(count, dtype=np.uint64) + field * 1_000_003) * 0x9E3779B1 % 2**32
    return pl.Series(np.char.mod("%08x", codes))


def chunks(rows: int, largest: int, seed: int) -> Iterator[pl.DataFrame]:
    sizes = [min(size, largest) for size in CRITEO]
    vocabularies = [words(size, field) for field, size in enumerate(sizes)]
    rng = np.random.default_rng(seed)
    exponents = rng.uniform(1.05, 1.35, len(sizes))
    for start in range(0, rows, CHUNK_ROWS):
        count = min(CHUNK_ROWS, rows - start)
        columns: dict[str, Any] = {"click": (rng.random(count) < 0.25).astype(np.int8)}
        for name in NUMBERS:
            values = pl.Series(rng.lognormal(3, 1.5, count).astype(np.int64))
            columns[name] = values.set(pl.Series(rng.random(count) < 0.1), None)
        for name, size, exponent, vocabulary in zip(
            TEXTS, sizes, exponents, vocabularies, strict=True
        ):
            # The inverse of a bounded power law's distribution function.
            power = 1 - exponent
            uniform = rng.random(count)
            ids = ((size + 1.0) ** power - 1) * uniform + 1
            ids = (ids ** (1 / power)).astype(np.int64).clip(1, size) - 1
            columns[name] = vocabulary[ids].set(pl.Series(rng.random(count) < 0.03), None)
        yield pl.DataFrame(columns)


def write_rows(folder: Path, rows: int, largest: int, seed: int) -> None:
    folder.mkdir()
    pending: list[pl.DataFrame] = []
    for chunk in chunks(rows, largest, seed):
        pending.append(chunk)
        if sum(map(len, pending)) >= FILE_ROWS:
            write_file(folder, pending)
            pending = []
    if pending:
        write_file(folder, pending)


def write_file(folder: Path, parts: list[pl.DataFrame]) -> None:
    name = f"rows-{len(list(folder.iterdir())):04d}.parquet"
    pl.concat(parts).write_parquet(folder / name, row_group_size=CHUNK_ROWS)


def work(source: str, out: str, min_count: int) -> None:
    """Prepares once and reports; runs in a process of its own."""
    with clocks.stopwatch() as times:
        summary = prepare(schema(min_count), source, out=out)
    rows = summary.rows["train"]
    figures = {
        "rows": rows,
        "rows_s": rows / times["wall"],
        "rows_cpu_s": rows / times["cpu"],
        "peak_gb": clocks.peak_gb(),
        "ids": sum(summary.vocabulary_sizes.values()),
        "out_gb": sum(path.stat().st_size for path in Path(out).rglob("*.parquet")) / 2**30,
    }
    versions = {name: version(name) for name in ("polars", "pyarrow", "numpy")}
    print(json.dumps({**figures, "versions": versions}), flush=True)


def measure(args: argparse.Namespace) -> tuple[dict[int, list[dict[str, Any]]], float]:
    """Returns the figures of every repetition by threads, and the size of the raw files in GB."""
    runs: dict[int, list[dict[str, Any]]] = {threads: [] for threads in args.threads}
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        source = Path(name, "raw")
        write_rows(source, args.rows, args.largest, args.seed)
        size = sum(path.stat().st_size for path in source.iterdir()) / 2**30
        for number, threads in itertools.product(range(args.repetitions), args.threads):
            out = Path(name, f"prepared-{number}-{threads}")
            command = [sys.executable, __file__, "--work", source, out, str(args.min_count)]
            result = subprocess.run(
                command,
                env=clocks.worker_environment(threads),
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            shutil.rmtree(out)
            runs[threads].append(json.loads(result.stdout.splitlines()[-1]))
            print(number + 1, threads, runs[threads][-1], flush=True)
    return runs, size


def table(args: argparse.Namespace, runs: dict[int, list[dict[str, Any]]], raw_gb: float) -> str:
    def row(threads: int) -> str:
        columns = [("rows_s", "{:,.0f}"), ("rows_cpu_s", "{:,.0f}"), ("peak_gb", "{:.2f}")]
        cells = [spread([run[key] for run in runs[threads]], form) for key, form in columns]
        return f"| {threads} | {' | '.join(cells)} |"

    first = runs[args.threads[0]][0]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    return "\n".join(
        [
            "# Speed of preparation",
            "",
            f"`python benchmarks/prepare_speed.py --rows {args.rows} --repetitions "
            f"{args.repetitions} --record`, {clocks.machine()}, {versions}.",
            "",
            f"{args.rows:,} rows of 13 counts and 26 text categoricals, {raw_gb:.2f} GB of "
            f"parquet; {first['ids']:,} ids with `min_count = {args.min_count}`, "
            f"{first['out_gb']:.2f} GB written. Median [least – most] of {args.repetitions}:",
            "",
            "| threads | rows/s | rows per CPU second | peak memory, GB |",
            "|---:|---:|---:|---:|",
            *map(row, args.threads),
            "",
        ]
    )


def spread(values: list[float], form: str) -> str:
    middle = form.format(statistics.median(values))
    return f"{middle} [{form.format(min(values))} – {form.format(max(values))}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=1_000_000, help="most values of a field")
    parser.add_argument("--min-count", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", help="where the data is written; a temporary folder by default")
    parser.add_argument("--record", action="store_true", help="write the table to results/")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        source, out, min_count = args.work
        work(source, out, int(min_count))
        return
    text = table(args, *measure(args))
    print(text)
    if args.record:
        RESULT.write_text(text)


if __name__ == "__main__":
    main()
