"""`ctrmoe rank --order 2` beside OutRank 0.97.5 on features whose part in the label is known.

    python benchmarks/combinations.py --record
    python benchmarks/combinations.py --peer peer/bin --record     (environment: see ranking.py)
    python benchmarks/combinations.py --scaling --record
    python benchmarks/combinations.py --seeds 40 --record

All 4,950 pairs of 100 features. Ours starts as a command of its own from parquet on disk, reads all
rows and ends with the written tables; OutRank reads every line of the CSV file and scores every
tenth row. Without `--peer` its recorded cost stands beside ours. `--scaling` measures ours alone by
rows and by pairs; `--seeds N` counts how often noise is taken for something, on N seeds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import clocks
import numpy as np
import polars as pl
from planted_features import PlantedFeatures
from ranking import RESULTS, run, table, write

from ctrmoe.ranking import rank_combinations
from ctrmoe.schema import Schema

RECORDED = {"wall s": 328.0, "CPU s": 311.0, "GB": 10.277}
"""OutRank's cost on another table of the same shape, on the same kind of machine."""

SIZES = (
    (100_000, 4_950), (200_000, 4_950), (400_000, 4_950), (200_000, 1_200), (200_000, 2_400),
)  # fmt: skip
"""Rows and pairs of `--scaling`."""
NOISE_ALONE = ("score above noise in noise alone", "synergy above noise in noise alone")


def ours(data: Path, *options: str) -> tuple[dict[str, float], dict[str, pl.DataFrame]]:
    """`ctrmoe rank --order 2` on all rows."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "ctrmoe.cli", "rank", str(data / "data.parquet")]
        command += ["--schema", str(data / "schema.toml"), "--out", "out", "--order", "2", *options]
        cost = run(command, Path(place))
        names = [path.stem for path in Path(place, "out").glob("*.parquet")]
        return cost, {name: pl.read_parquet(f"{place}/out/{name}.parquet") for name in names}


def peers(data: Path, peer: Path) -> dict[str, float]:
    """OutRank with its defaults on as many threads, at order 2."""
    with tempfile.TemporaryDirectory() as place:
        command = [str(peer / "outrank"), "--task", "ranking", "--data_source", "csv-raw"]
        command += ["--data_path", str(data), "--output_folder", f"{place}/out"]
        command += ["--num_threads", str(clocks.THREADS), "--disable_tqdm", "True"]
        return run([*command, "--interaction_order", "2"], Path(place))


def found(pairs: pl.DataFrame, planted: PlantedFeatures) -> dict[str, int]:
    """Counts planted pairs, and others, that are above noise by their synergy."""
    above = pairs.filter("synergy_above_noise").select("feature_a", "feature_b").rows()
    return {
        "planted pairs found": sum(frozenset(pair) in partners(planted) for pair in above),
        "others above noise": sum(frozenset(pair) not in partners(planted) for pair in above),
    }


def partners(planted: PlantedFeatures) -> set[frozenset[str]]:
    """The pairs that have an effect together."""
    names = [name for name, role in planted.role.items() if role == "pair"]
    return {frozenset(names[i : i + 2]) for i in range(0, len(names), 2)}


def beside(args: argparse.Namespace, folder: Path) -> str:
    """Both commands on one table; ours with all pairs and with a budget."""
    planted = write(args.seed, args.rows, folder)
    lines = {"all pairs": (), "500 of them, guided": ("--combinations", "500")}
    sides: dict[str, dict[str, float]] = {}
    for name, options in lines.items():
        costs = []
        for _ in range(args.rounds):
            cost, tables = ours(folder, *options)
            costs.append(cost)
            print(name, cost, flush=True)
        median = {key: float(np.median([cost[key] for cost in costs])) for key in costs[0]}
        sides[f"ctrmoe rank --order 2, all rows, {name}"] = median | found(tables["pairs"], planted)
    peer = "OutRank 0.97.5, every tenth row" + ("" if args.peer else ", recorded before")
    sides[peer] = peers(folder, args.peer) if args.peer else RECORDED
    first, last = next(iter(sides.values())), sides[peer]
    faster = {key: last[key] / first[key] for key in ("wall s", "CPU s")}
    rows = {"": list(first)}
    for name, side in sides.items():
        rows[name] = [f"{side[key]:.3g}" if key in side else "-" for key in first]
    return (
        f"{args.rows:,} rows of 100 features, seed {args.seed}, median of {args.rounds} runs of "
        "ours, from the file to the written tables, redundancy and the page included.\n\n"
        f"{table(rows)}\n\nOurs is {faster['wall s']:.1f} times as fast by the clock, "
        f"{faster['CPU s']:.1f} times by CPU time."
    )


def scaling(args: argparse.Namespace, folder: Path) -> str:
    """Ours by the number of rows and of pairs."""
    rows = {"": ["wall s", "CPU s", "CPU µs a pair and 1,000 rows", "GB"]}
    write(args.seed, 400_000, folder)
    every = pl.read_parquet(folder / "data.parquet")
    for count, budget in [
        (100_000, 4_950),
        (200_000, 4_950),
        (400_000, 4_950),
        (200_000, 1_200),
        (200_000, 2_400),
    ]:
        every[:count].write_parquet(folder / "data.parquet")
        options = ["--combinations", str(budget), "--choose", "random"]
        cost, tables = ours(folder, *options)
        each = cost["CPU s"] / tables["pairs"].height / count * 1e9
        figures = [f"{cost[k]:.3g}" for k in ("wall s", "CPU s")]
        name = f"{count:,} rows, {tables['pairs'].height:,} pairs"
        rows[name] = [*figures, f"{each:.0f}", f"{cost['GB']:.2f}"]
        print(name, rows[name], flush=True)
    return f"Pairs of 100 features; fewer than all are drawn.\n\n{table(rows)}"


def seeds(args: argparse.Namespace, folder: Path) -> str:
    """How often a table with pairs, and one of noise alone, shows what is not there."""
    rows = {"seed": ["planted pairs found", "others above noise", *NOISE_ALONE]}
    wrong = [0, 0, 0]
    for seed in range(args.seed, args.seed + args.seeds):
        planted = PlantedFeatures(seed, features=40, most_values=args.rows)
        planted.write(args.rows, folder)
        frame = pl.read_parquet(folder / "data.parquet")
        counts = found(pairs_of(frame), planted)
        noise = [name for name, role in planted.role.items() if role == "noise"]
        alone = pairs_of(frame.select(*noise, "label"))
        false = [int(alone[name].sum()) for name in ("above_noise", "synergy_above_noise")]
        rows[str(seed)] = [str(v) for v in (*counts.values(), *false)]
        for place, count in enumerate((counts["others above noise"], *false)):
            wrong[place] += count > 0
        print(seed, rows[str(seed)], flush=True)
    return (
        f"{args.rows:,} rows of 40 features (2 planted pairs, 28 features of noise of 2 to "
        f"{args.rows:,} values). A wrong synergy in {wrong[0]} of {args.seeds} seeds; among pairs "
        f"of noise alone a wrong score in {wrong[1]} and a wrong synergy in {wrong[2]}.\n\n"
        f"{table(rows)}"
    )


def pairs_of(frame: pl.DataFrame) -> pl.DataFrame:
    """All pairs of categorical columns."""
    features = [{"name": c, "kind": "categorical"} for c in frame.columns if c != "label"]
    raw = {"name": "planted", "tasks": [{"name": "label"}], "features": features}
    tables = rank_combinations(Schema.from_dict(raw), frame, redundancy=False)
    return tables["pairs"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="the folder of OutRank's outrank")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.peer = args.peer and args.peer.absolute()
    with tempfile.TemporaryDirectory() as place:
        chosen = {scaling: args.scaling, seeds: args.seeds, beside: True}
        measure = next(function for function, wanted in chosen.items() if wanted)
        text = measure(args, Path(place))
    given = " ".join(a for a in sys.argv[1:] if not a.startswith("/"))
    text = (
        f"# Combinations: {measure.__name__}\n\n{text}\n\nMachine: {clocks.machine()}; "
        f"{clocks.THREADS} threads, 1-minute load {os.getloadavg()[0]:.1f}. polars "
        f"{pl.__version__}, NumPy {np.__version__}.\n\n"
        f"Command: `python benchmarks/combinations.py {given}`\n"
    )
    print(text)
    if args.record:
        (RESULTS / f"combinations_{measure.__name__}.md").write_text(text)


if __name__ == "__main__":
    main()
