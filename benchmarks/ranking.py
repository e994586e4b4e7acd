"""`ctrmoe rank` beside OutRank 0.97.5 on features whose part in the label is known.

    python -m venv peer
    peer/bin/pip install outrank==0.97.5 "xxhash<4" "numpy<2" "pandas<3" "pyarrow<21"
    python benchmarks/ranking.py --peer peer/bin --record

Both start from their file on disk (parquet, CSV) as a command of their own and end with the written
ranking, in turns. Ours reads all rows, OutRank every tenth, its default. `--parity` compares the
scores of `null="shift"` with those of OutRank's estimator on the same mini-batches instead;
`--seeds N` measures ours alone on N seeds, `--distinct N` on ten features of N distinct values,
`--scaling N` on up to N times a million rows and on fewer features.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import clocks
import numpy as np
import polars as pl
from planted_features import BLOCK, PlantedFeatures

from ctrmoe.ranking import rank
from ctrmoe.schema import Feature, Schema, Task

RESULTS = Path(__file__).parent / "results"
BATCH_ROWS = 1 << 14
FEWER = (50, 25)


def schema_of(columns: list[str], label: str) -> Schema:
    """Every column but the label is a categorical feature."""
    features = tuple(Feature(name=c, kind="categorical") for c in columns if c != label)
    return Schema(name="ranked", tasks=(Task(name=label),), features=features)


def quality(order: list[str], role: dict[str, str]) -> dict[str, float]:
    """AUC of main effects and copies above noise, and their share of the first so many."""
    place = {name: i for i, name in enumerate(order)}
    signal = [name for name in order if role[name] in ("main", "copy")]
    noise = [name for name in order if role[name] == "noise"]
    above = [place[a] < place[b] for a in signal for b in noise]
    first = order[: len(signal)]
    return {
        "AUC": float(np.mean(above)),
        "precision at 20": float(np.mean([role[name] in ("main", "copy") for name in first])),
    }


def run(command: list[str], folder: Path) -> dict[str, float]:
    """Runs a command and returns what it cost, start and children included."""
    start = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=clocks.worker_environment()
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if status:
        sys.exit((folder / "log").read_text())
    wall = time.perf_counter() - start
    return {"wall s": wall, "CPU s": used.ru_utime + used.ru_stime, "GB": used.ru_maxrss / 2**20}


def ours(data: Path) -> tuple[dict[str, float], list[str]]:
    """`ctrmoe rank` on all rows."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "ctrmoe.cli", "rank", str(data / "data.parquet")]
        command += ["--schema", str(data / "schema.toml"), "--out", "out"]
        cost = run(command, Path(place))
        return cost, pl.read_parquet(f"{place}/out/ranking.parquet")["feature"].to_list()


def peers(data: Path, peer: Path, subsampling: int = 10) -> tuple[dict[str, float], list[str]]:
    """OutRank with its defaults on as many threads; it reads every line and scores every tenth."""
    with tempfile.TemporaryDirectory() as place:
        command = [str(peer / "outrank"), "--task", "ranking", "--data_source", "csv-raw"]
        command += ["--data_path", str(data), "--output_folder", f"{place}/out"]
        command += ["--num_threads", str(clocks.THREADS), "--disable_tqdm", "True"]
        command += ["--include_cardinality_in_feature_names", "False"]
        command += ["--subsampling", str(subsampling)]
        cost = run(command, Path(place))
        with open(f"{place}/out/pairwise_ranks.tsv") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    pairs = {(r["FeatureA"], r["FeatureB"]): float(r["Score"]) for r in rows}
    scores = {b: score for (a, b), score in pairs.items() if a == "label" and b != "label"}
    scores |= {a: score for (a, b), score in pairs.items() if b == "label" and a != "label"}
    return cost, sorted(scores, key=lambda name: -scores[name])


def beside(args: argparse.Namespace, folder: Path) -> str:
    """The commands in turns on one table."""
    planted = write(args.seed, args.rows, folder)
    sides = {"ctrmoe rank, all rows": lambda: ours(folder)}
    sides["OutRank 0.97.5, every tenth row"] = lambda: peers(folder, args.peer)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, side in sides.items():
            cost, order = side()
            found[name].append(cost | quality(order, planted.role))
            print(name, found[name][-1], flush=True)
    medians = {n: {k: float(np.median([r[k] for r in f])) for k in f[0]} for n, f in found.items()}
    first, second = (medians[name] for name in sides)
    faster = {k: second[k] / first[k] for k in ("wall s", "CPU s")}
    rows = {n: [f"{v:.3g}" for v in figures.values()] for n, figures in medians.items()}
    return (
        f"Median of {args.rounds} rounds, {args.rows:,} rows of 100 features, seed {args.seed}, "
        "from the file to the written ranking, the start of Python included.\n\n"
        f"{table({'': list(first)} | rows)}\n\nOurs is {faster['wall s']:.1f} times as fast by the "
        f"clock, {faster['CPU s']:.1f} times by CPU time."
    )


def seeds(args: argparse.Namespace, folder: Path) -> str:
    """Ours alone on several seeds."""
    rows = {"seed": ["AUC", "precision at 20", "above noise", "of them noise"]}
    clean = 0
    for seed in range(args.seed, args.seed + args.seeds):
        planted = write(seed, args.rows, folder)
        ranking = rank(schema_of([*planted.role, "label"], "label"), folder / "data.parquet")
        above = ranking.filter("above_noise")["feature"].to_list()
        noise = sum(planted.role[name] == "noise" for name in above)
        clean += not noise
        figures = quality(ranking["feature"].to_list(), planted.role)
        rows[str(seed)] = [f"{v:.4f}" for v in figures.values()] + [str(len(above)), str(noise)]
        print(seed, rows[str(seed)], flush=True)
    figures = np.array([row[:2] for row in list(rows.values())[1:]], float).mean(axis=0)
    return (
        f"{args.rows:,} rows of 100 features. Mean AUC {figures[0]:.4f}, mean precision at 20 "
        f"{figures[1]:.4f}; no noise above noise in {clean} of {args.seeds} seeds.\n\n{table(rows)}"
    )


def distinct(args: argparse.Namespace, folder: Path) -> str:
    """Ours on ten features without a value that repeats."""
    names = [f"f{number}" for number in range(10)]
    schema = schema_of([*names, "label"], "label")
    (folder / "schema.toml").write_text(schema.dumps())
    random = np.random.default_rng(args.seed)
    columns = {name: random.permutation(args.distinct) * (i + 1) for i, name in enumerate(names)}
    labels = random.integers(0, 2, args.distinct, np.int8)
    whole = pl.DataFrame({**columns, "label": labels})
    whole.write_parquet(folder / "data.parquet", row_group_size=250_000, compression="snappy")
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "ctrmoe.cli", "rank", str(folder / "data.parquet")]
        command += ["--schema", str(folder / "schema.toml"), "--out", "out"]
        cost = run(command, Path(place))
        ranking = pl.read_parquet(f"{place}/out/ranking.parquet")
    errors = (ranking["cardinality"] / args.distinct - 1).abs()
    figures = {k: f"{v:.3g}" for k, v in cost.items()}
    figures["largest error of the cardinality"] = f"{errors.max():.2%}"
    figures["features above noise"] = str(ranking["above_noise"].sum())
    rows = {"": list(figures), "ctrmoe rank": list(figures.values())}
    return f"Ten features of {args.distinct:,} distinct values in as many rows.\n\n{table(rows)}"


def scaling(args: argparse.Namespace, folder: Path) -> str:
    """Ours by the number of rows and of features; a file holds `args.rows` rows."""
    planted, blocks = PlantedFeatures(args.seed), args.rows // BLOCK
    paths = [folder / f"{number}.parquet" for number in range(args.scaling)]
    for number, path in enumerate(paths):
        whole = pl.concat(planted.block(number * blocks + block) for block in range(blocks))
        whole.write_parquet(path, row_group_size=BLOCK, compression="snappy")
    names = sorted(planted.role)
    files = sorted({max(1, args.scaling // part) for part in (10, 5, 2, 1)})
    rows = {"": ["wall s", "CPU s", "GB", "CPU µs a feature and 1,000 rows"]}
    middle = files[len(files) // 2]
    sizes = [*((count, 100) for count in files), *((middle, few) for few in FEWER)]
    for count, features in sizes:
        (folder / "schema.toml").write_text(schema_of(names[:: 100 // features], "label").dumps())
        command = [sys.executable, "-m", "ctrmoe.cli", "rank", *map(str, paths[:count])]
        cost = run([*command, "--schema", str(folder / "schema.toml"), "--out", "out"], folder)
        each = cost["CPU s"] * 1e9 / features / (count * args.rows)
        name = f"{count * args.rows:,} rows, {features} features"
        rows[name] = [*(f"{v:.3g}" for v in cost.values()), f"{each:.0f}"]
        print(name, rows[name], flush=True)
    return (
        f"Planted features of seed {args.seed} in files of {args.rows:,} rows, from the files to "
        f"the written ranking, the start of Python included.\n\n{table(rows)}"
    )


def parity(args: argparse.Namespace, folder: Path) -> str:
    """Scores of the same mini-batches by both."""
    write(args.seed, args.rows, folder)
    rows = {"table": ["label", "features", "mini-batches", "largest difference"]}
    for path, label in [(folder / "data.parquet", "label"), *args.tables]:
        frame = pl.read_parquet(path)
        kept = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
        # OutRank knows no missing values: they are one more value, as they are here.
        frame = frame.select(pl.col(kept).exclude(label).cast(pl.String).fill_null(""), label)
        frame.write_parquet(folder / "parity.parquet")
        command = [str(args.peer / "python"), str(Path(__file__).with_name("peer_outrank.py"))]
        command += [str(folder / "parity.parquet"), label, str(BATCH_ROWS)]
        theirs = json.loads(subprocess.check_output(command))
        ranking = rank(
            schema_of(frame.columns, label),
            folder / "parity.parquet",
            null="shift",
            batch_rows=BATCH_ROWS,
        )
        found = dict(ranking.select("feature", "score").iter_rows())
        largest = max(abs(found[name] - score) for name, score in theirs.items())
        name = "planted features" if path.parent == folder else path.parent.name
        batches = -(-len(frame) // BATCH_ROWS)
        rows[name] = [label, str(len(theirs)), str(batches), f"{largest:.1e}"]
    return (
        f"Medians over mini-batches of {BATCH_ROWS:,} rows, in nats; OutRank's estimator has "
        f"floats of 32 bits.\n\n{table(rows)}"
    )


def write(seed: int, rows: int, folder: Path) -> PlantedFeatures:
    """Writes the planted table of a seed and its schema."""
    planted = PlantedFeatures(seed)
    planted.write(rows, folder)
    schema = schema_of([*sorted(planted.role), "label"], "label")
    (folder / "schema.toml").write_text(schema.dumps())
    return planted


def table(rows: dict[str, list[str]]) -> str:
    """A Markdown table, its first row the header."""
    lines = [f"| {' | '.join([name, *row])} |" for name, row in rows.items()]
    width = len(next(iter(rows.values())))
    return "\n".join([lines[0], "|---|" + "---:|" * width, *lines[1:]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="the folder of OutRank's python and outrank")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--distinct", type=int, default=0)
    parser.add_argument("--scaling", type=int, default=0)
    parser.add_argument("--parity", action="store_true")
    parser.add_argument(
        "--tables", nargs="*", default=[], help="for --parity, further PARQUET:LABEL"
    )
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.peer = args.peer and args.peer.absolute()
    pairs = [entry.rpartition(":") for entry in args.tables]
    args.tables = [(Path(path), label) for path, _, label in pairs]
    with tempfile.TemporaryDirectory() as place:
        chosen = {parity: args.parity, seeds: args.seeds, distinct: args.distinct}
        chosen |= {scaling: args.scaling, beside: True}
        measure = next(function for function, wanted in chosen.items() if wanted)
        text = measure(args, Path(place))
    kind = f"{measure.__name__}_{args.seeds}" if args.seeds else measure.__name__
    load = f"1-minute load {os.getloadavg()[0]:.1f}"
    given = " ".join(a for a in sys.argv[1:] if not a.startswith("/"))
    text = (
        f"# Ranking: {measure.__name__}\n\n{text}\n\nMachine: {clocks.machine()}; "
        f"{clocks.THREADS} threads, {load}. polars {pl.__version__}, NumPy {np.__version__}.\n\n"
        f"Command: `python benchmarks/ranking.py {given}`\n"
    )
    print(text)
    if args.record:
        (RESULTS / f"ranking_{kind}.md").write_text(text)


if __name__ == "__main__":
    main()
