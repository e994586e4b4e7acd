"""Every multi-domain model beside one that ignores domains and one network for each domain alone.

    python benchmarks/multi_domain.py --data DATA --out OUT            # hours; goes on where it was
    python benchmarks/multi_domain.py --data DATA --out OUT --report   # the table of what is there
    ... --record                                                       # writes results/ too

DATA and OUT are those of `leaderboard.py`, whose searches, runs and seeds these are: a search on
the validation part with the same trials for every model, then the best config with every seed,
read once on the test part. `dnn` ignores the domain but as a feature; `dnn alone` is trained anew,
with a search of its own, on the rows of one domain. Domains with less than `MIN_ROWS` rows of
training, or of one class in a part, have no such network and do not count in means.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import clocks
import leaderboard
import leaderboard_sets
import polars as pl
from leaderboard import MULTI_DOMAIN, Cell
from leaderboard_sets import SETS

from ctrmoe.files import write_text
from ctrmoe.schema import Schema

HERE = Path(__file__).parent
RESULT = HERE / "results" / "multi_domain.md"
PLAIN = "dnn"
ALONE = "dnn alone"
MIN_ROWS = 1_000
UNITS = [256, 128, 64]
"""Of the plain network: those of the named multi-domain configs."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    models = [PLAIN, ALONE, *MULTI_DOMAIN]
    sets = [name for name, chosen in SETS.items() if chosen.by_domain]
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1")
    parser.add_argument("--threads", type=int, default=clocks.THREADS, help="of each training")
    parser.add_argument("--report", action="store_true", help="only write the table")
    parser.add_argument("--record", action="store_true", help=f"write results/{RESULT.name}")
    return parser.parse_args()


def domains_of(name: str, args: argparse.Namespace) -> dict[str, list[str]]:
    """The domains of each task that have a network of their own, largest first."""
    folders = leaderboard_sets.make(name, args.data, args.out / "data" / name)
    schema = Schema.load(folders.prepared / "schema.toml")
    parts = {
        part: pl.read_parquet(folders.raw / f"{part}.parquet") for part in leaderboard_sets.PARTS
    }
    sizes = parts["train"][schema.domain].value_counts(sort=True)
    large = sizes.filter(pl.col("count") >= MIN_ROWS)[schema.domain].drop_nulls()
    return {
        task.name: [
            value
            for value in large
            if all(
                frame.filter(pl.col(schema.domain) == value)[task.label].n_unique() == 2
                for frame in parts.values()
            )
        ]
        for task in schema.tasks
    }


def cells(name: str, args: argparse.Namespace) -> Iterator[Cell]:
    for model in args.models:
        if model != ALONE:
            yield _cell_in(args.out / "cells" / name / model, name, model, args)


def alone(name: str, args: argparse.Namespace) -> Iterator[tuple[str, Cell]]:
    """The networks of single domains: of those where every task has both classes."""
    if ALONE in args.models:
        by_task = domains_of(name, args)
        for value in next(iter(by_task.values())):
            if all(value in others for others in by_task.values()):
                folder = args.out / "cells" / name / "alone" / _file_name(value)
                yield value, _cell_in(folder, name, PLAIN, args)


def _cell_in(folder: Path, name: str, model: str, args: argparse.Namespace) -> Cell:
    return Cell(name, model, folder, folder / "figures.json", args.trials)


def _file_name(value: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in value)


def fill(args: argparse.Namespace) -> list[str]:
    """Makes every cell; returns those that failed, which hold up no other."""
    leaderboard.CHANGED[PLAIN] = [f"model.deep.units={UNITS}"]
    failed = []
    for name in args.sets:
        column = Schema.load(leaderboard_sets.RECIPES / SETS[name].schema).domain
        jobs: list[tuple[str, Cell]] = [("", cell) for cell in cells(name, args)]
        for value, cell in [*jobs, *alone(name, args)]:
            start = time.perf_counter()
            try:
                folders = None
                if value:
                    place = args.out / "data" / name / "alone" / _file_name(value)
                    rows = pl.col(column) == value
                    folders = leaderboard_sets.make(name, args.data, place, rows)
                leaderboard.run_cell(cell, args, folders, timed=False)
            except subprocess.CalledProcessError as error:
                failed.append(f"{cell.folder}: {error}")
            print(f"{cell.folder}: {time.perf_counter() - start:.0f} s", flush=True)
            if not args.report:
                write_text(args.out / "MULTI_DOMAIN.md", document(args))
    return failed


def document(args: argparse.Namespace) -> str:
    """What has been measured, in words and tables."""
    parts = [
        "# Multi-domain models",
        f"Test AUC, median of at most {args.seeds} seeds, in brackets the least and the largest. "
        f"`mean of domains` is the mean over the domains named; `{PLAIN}` ignores domains but as a "
        f"feature, `{ALONE}` is a network trained on one domain's rows. Each was tuned with "
        f"{args.trials} trials over {', '.join(f'`{key}`' for key in leaderboard.RANGES)}.",
    ]
    for name in args.sets:
        by_task = domains_of(name, args)
        found = {cell.model: runs for cell in cells(name, args) if (runs := _runs(cell, args))}
        singles = {value: _runs(cell, args) for value, cell in alone(name, args)}
        parts.append(f"## {SETS[name].title}")
        for task, domains in by_task.items():
            parts += [f"### `{task}`", table(found, singles, task, domains)]
        parts += unfinished(found | {ALONE: min(singles.values(), key=len, default=[])}, args)
    command = f"--trials {args.trials} --seeds {args.seeds}"
    parts.append(f"Command: `python benchmarks/multi_domain.py --data DATA --out OUT {command}`.")
    parts.append(f"Machine: {clocks.machine()}." if hasattr(clocks, "machine") else "")
    return "\n\n".join(parts).rstrip() + "\n"


def unfinished(found: dict[str, list[dict[str, Any]]], args: argparse.Namespace) -> list[str]:
    """A sentence on the models that have fewer seeds than asked for, where there are any."""
    runs = {model: len(found.get(model, [])) for model in args.models}
    lacking = [f"{model} ({count})" for model, count in runs.items() if count < args.seeds]
    return [f"Not yet measured with {args.seeds} seeds: {', '.join(lacking)}."] if lacking else []


def _runs(cell: Cell, args: argparse.Namespace) -> list[dict[str, Any]]:
    runs = [cell.figures(f"seed_{seed}") for seed in range(1, args.seeds + 1)]
    return [run for run in runs if run]


def table(
    found: dict[str, list[dict[str, Any]]],
    singles: dict[str, list[dict[str, Any]]],
    task: str,
    domains: Sequence[str],
) -> str:
    """A row for each model: overall, the mean of the domains, and every domain."""
    rows = {}
    for model, runs in found.items():
        overall = [run["tasks"][task]["auc"] for run in runs]
        own = {d: [run["domains"][d][task]["auc"] for run in runs] for d in domains}
        rows[model] = [overall, _means(own), *own.values()]
    if all(singles.get(domain) for domain in domains):
        own = {d: [run["tasks"][task]["auc"] for run in singles[d]] for d in domains}
        rows[ALONE] = [[], _means(own), *own.values()]
    order = sorted(rows, key=lambda model: -statistics.median(rows[model][1]))
    head = ["model", "overall", "mean of domains", *domains]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [
        f"| {model} | " + " | ".join(_cell(values) for values in rows[model]) + " |"
        for model in order
    ]
    return "\n".join(lines)


def _means(own: dict[str, list[float]]) -> list[float]:
    """The mean of the domains for each seed."""
    return [statistics.mean(values) for values in zip(*own.values(), strict=True)]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.median(values):.4f} [{min(values):.4f} – {max(values):.4f}]"


def main() -> None:
    args = arguments()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    failed = [] if args.report else fill(args)
    text = document(args)
    write_text(args.out / "MULTI_DOMAIN.md", text)
    if args.record:
        write_text(RESULT, text)
    if failed:
        sys.exit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
