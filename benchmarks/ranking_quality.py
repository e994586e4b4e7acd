"""How well rankings tell signal from noise: ours beside those of other libraries, over seeds.

    python -m venv mrmr && mrmr/bin/pip install mrmr-selection polars
    python benchmarks/ranking_quality.py --out OUT --outrank outrank/bin --mrmr mrmr/bin --record

On the tables of `planted_features.py`; OutRank's environment is that of `ranking.py`. OUT keeps the
order that each library gave of each seed, so that an interrupted run goes on where it was; a
library whose option is left out is not run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import clocks
import numpy as np
import polars as pl
from planted_features import PlantedFeatures
from ranking import RESULTS, ours, peers, quality, table, write

Order = dict[str, object]
TITLES = {
    "ctrmoe": "`ctrmoe rank`, all rows",
    "outrank": "OutRank 0.97.5, every tenth row (its default)",
    "mutual_info_classif": "scikit-learn, `mutual_info_classif`",
    "lightgbm_gain": "LightGBM, gain of 100 trees, values as numbers",
    "mrmr": "mrmr-selection, the first 20 by 100,000 rows",
}


def methods(args: argparse.Namespace) -> dict[str, Callable[[Path], Order]]:
    """Returns the functions that order the features of a table, by name."""

    def worker(name: str, python: Path) -> Callable[[Path], Order]:
        script = Path(__file__).with_name("selection_worker.py")

        def run(folder: Path) -> Order:
            command = [str(python), str(script), name, str(folder / "data.parquet"), "label"]
            environment = clocks.worker_environment()
            printed = subprocess.check_output(command, env=environment, text=True)
            return json.loads(printed.splitlines()[-1])

        return run

    def timed(side: Callable[[], tuple[dict[str, float], list[str]]]) -> Order:
        cost, order = side()
        return {"order": order, "wall s": cost["wall s"]}

    own = Path(sys.executable)
    found = {"ctrmoe": lambda folder: timed(lambda: ours(folder))}
    if args.outrank:
        found["outrank"] = lambda folder: timed(lambda: peers(folder, args.outrank))
    found |= {name: worker(name, own) for name in ("mutual_info_classif", "lightgbm_gain")}
    if args.mrmr:
        found["mrmr"] = worker("mrmr", args.mrmr / "python")
    return found


def measure(args: argparse.Namespace) -> None:
    """Runs what OUT does not have yet."""
    for seed in range(args.seed, args.seed + args.seeds):
        missing = {n: m for n, m in methods(args).items() if not place(args, n, seed).exists()}
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write(seed, args.rows, Path(folder))
            for name, method in missing.items():
                found = method(Path(folder))
                path = place(args, name, seed)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(found))
                print(name, seed, f"{found['wall s']:.1f} s", flush=True)


def place(args: argparse.Namespace, name: str, seed: int) -> Path:
    """Where OUT keeps an order."""
    return args.out / f"{args.rows}_{seed}" / f"{name}.json"


def report(args: argparse.Namespace) -> str:
    """The table of what OUT has."""
    rows = {"": ["AUC, mean", "by seed", "precision at 20, mean", "by seed", "wall s", "seeds"]}
    versions = []
    for name, title in TITLES.items():
        found, costs = [], []
        for seed in range(args.seed, args.seed + args.seeds):
            if place(args, name, seed).exists():
                order = json.loads(place(args, name, seed).read_text())
                found.append(quality(order["order"], PlantedFeatures(seed).role))
                costs.append(order["wall s"])
                versions += [order["version"]] if "version" in order else []
        if found:
            rows[title] = [*_figures(found), f"{np.median(costs):.1f}", str(len(found))]
    return (
        f"{args.rows:,} rows of 100 features, seeds {args.seed} to {args.seed + args.seeds - 1}: "
        "AUC of the 20 main effects and copies above the 70 features of noise, and their share of "
        "the first 20. Seconds are the median over the seeds, from the file on; ours and OutRank's "
        f"include the start of Python.\n\n{table(rows)}\n\n{', '.join(sorted(set(versions)))}."
    )


def _figures(found: list[dict[str, float]]) -> list[str]:
    result = []
    for figure in ("AUC", "precision at 20"):
        values = [figures[figure] for figures in found]
        result += [f"{np.mean(values):.3f}", " ".join(f"{value:.2f}" for value in values)]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--outrank", type=Path, help="the folder of OutRank's commands")
    parser.add_argument("--mrmr", type=Path, help="the folder of mrmr-selection's python")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.outrank, args.mrmr = (p and p.absolute() for p in (args.outrank, args.mrmr))
    measure(args)
    load = f"1-minute load {os.getloadavg()[0]:.1f}"
    text = (
        f"# Ranking: quality beside others\n\n{report(args)}\n\nMachine: {clocks.machine()}; "
        f"{clocks.THREADS} threads, {load}. polars {pl.__version__}, NumPy {np.__version__}.\n\n"
        "Command: `python benchmarks/ranking_quality.py --out OUT --outrank BIN --mrmr BIN "
        f"--rows {args.rows} --seed {args.seed} --seeds {args.seeds}`\n"
    )
    print(text)
    if args.record:
        (RESULTS / "ranking_quality.md").write_text(text)


if __name__ == "__main__":
    main()
