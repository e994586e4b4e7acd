"""What a ranking is worth: the test AUC of one model on the first features of several rankings.

    python benchmarks/ranking_usefulness.py --data DATA --out OUT --outrank peer/bin --record

Features are ranked on the training part by us, OutRank, LightGBM's gain and chance; a small network
of one config then learns from the first 5, 10 and 20 of each, and from all. Of ours there are three
orders: what each feature tells alone (the ranking), `--three-mr`, and that in which `--select N`
takes them, what each adds to those before it, with the others after them. DATA is that of
`leaderboard.py`, whose parts of Census-Income are the ones here; Criteo's ten thousand rows are
divided anew for every seed. OUT keeps the rankings and figures, so that an interrupted run goes on
where it was; with `--minutes` no training starts after so many.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

import clocks
import lightgbm
import numpy as np
import polars as pl
from leaderboard_sets import PARTS, RECIPES, SETS
from ranking import RESULTS, peers, table

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.ranking import rank_combinations
from ctrmoe.schema import Feature, Schema

SIZES = (5, 10, 20)
CHOSEN = {"census_income": "income_over_50k", "criteo_10k": "click"}
"""The data sets with the task that is ranked for and learned."""
RANKINGS = ("ours", "ours, 3MR", "ours, --select", "OutRank", "LightGBM", "random")
MOST_ROWS = 40_000
"""Training rows of the model; the rankings read all."""
CONFIG = {
    "model": {"wide": True, "embedding": {"dim": 8}, "deep": {"units": [64, 32]}},
    "train": {"epochs": 8, "batch_size": 512, "learning_rate": 0.002, "patience": 1},
}


def schema_of(name: str) -> Schema:
    """The schema of a data set with one task."""
    schema = Schema.load(RECIPES / SETS[name].schema)
    tasks = tuple(task for task in schema.tasks if task.name == CHOSEN[name])
    return schema.replace(tasks=tasks, columns=())


def folder_of(args: argparse.Namespace, name: str, seed: int) -> Path:
    """The folder of a division into parts; made if need be."""
    folder = args.out / name / ("given" if name == "census_income" else str(seed))
    if not folder.is_dir():
        frames = SETS[name].parts(args.data, Schema.load(RECIPES / SETS[name].schema))
        if name != "census_income":
            rows = pl.concat(frames.values()).sample(fraction=1, shuffle=True, seed=seed)
            first, second = round(0.7 * len(rows)), round(0.8 * len(rows))
            divided = (rows[:first], rows[first:second], rows[second:])
            frames = dict(zip(PARTS, divided, strict=True))
        partial = folder.with_name(f"{folder.name}.partial")
        partial.mkdir(parents=True, exist_ok=True)
        for part, frame in frames.items():
            frame.write_parquet(partial / f"{part}.parquet")
        partial.rename(folder)
    return folder


def rankings(args: argparse.Namespace, name: str, seed: int) -> dict[str, list[str]]:
    """The orders of the features by the training part; made if need be."""
    folder, schema = folder_of(args, name, seed), schema_of(name)
    path = folder / "rankings.json"
    if not path.exists():
        train = pl.read_parquet(folder / "train.parquet")
        orders = {
            **by_us(train, schema),
            "OutRank": by_outrank(train, schema, args.outrank),
            "LightGBM": by_lightgbm(train, schema),
        }
        path.write_text(json.dumps(orders))
    orders = json.loads(path.read_text())
    names = [feature.name for feature in schema.features]
    return {**orders, "random": np.random.default_rng(seed).permutation(names).tolist()}


def codes(train: pl.DataFrame, feature: Feature) -> pl.Series:
    """The values as whole numbers in their order, missing ones as null."""
    return train[feature.name].rank("dense").cast(pl.Int32)


def by_us(train: pl.DataFrame, schema: Schema) -> dict[str, list[str]]:
    """Our three orders."""
    tables = rank_combinations(schema, train, order=2, three_mr=True, forward=max(SIZES))
    alone = tables["ranking"]["feature"].to_list()
    added = tables["forward"]["feature"].to_list()
    return {
        "ours": alone,
        "ours, 3MR": tables["three_mr"]["feature"].to_list(),
        "ours, --select": added + [name for name in alone if name not in added],
    }


def by_outrank(train: pl.DataFrame, schema: Schema, peer: Path) -> list[str]:
    """OutRank's order by all rows."""
    columns = [codes(train, feature).fill_null(0) for feature in schema.features]
    with tempfile.TemporaryDirectory() as place:
        label = train[schema.tasks[0].label].alias("label")
        pl.DataFrame([*columns, label]).write_csv(Path(place, "data.csv"))
        order = peers(Path(place), peer, subsampling=1)[1]
    return order


def by_lightgbm(train: pl.DataFrame, schema: Schema) -> list[str]:
    """The order by the gain of LightGBM's splits with its defaults, categories as such."""
    columns = [
        codes(train, feature).cast(pl.Float64).fill_null(np.nan) for feature in schema.features
    ]
    data = lightgbm.Dataset(
        np.stack([column.to_numpy() for column in columns], axis=1),
        train[schema.tasks[0].label].to_numpy(),
        categorical_feature=[i for i, f in enumerate(schema.features) if f.kind != "numeric"],
    )
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "seed": 0}, data)
    gain = booster.feature_importance("gain")
    return [schema.features[place].name for place in np.argsort(-gain, kind="stable")]


def jobs(args: argparse.Namespace) -> list[tuple[str, int, list[str], Path]]:
    """What is to be trained: data set, seed, features in the schema's order, and its figure."""
    found = {}
    for seed in range(1, args.seeds + 1):
        for name in args.sets:
            names = [feature.name for feature in schema_of(name).features]
            orders = rankings(args, name, seed)
            chosen = [orders[ranking][:size] for ranking in RANKINGS for size in SIZES]
            for features in [*chosen, names]:
                path = figure(folder_of(args, name, seed), seed, features)
                found[path] = (name, seed, [n for n in names if n in features], path)
    return list(found.values())


def figure(folder: Path, seed: int, features: list[str]) -> Path:
    """Where the figure of a set of features is kept."""
    digest = hashlib.sha256("\n".join(sorted(features)).encode()).hexdigest()[:16]
    return folder / "figures" / f"{seed}_{digest}.json"


def train_and_test(folder: Path, schema: Schema, features: list[str], seed: int) -> float:
    """The test AUC of the model on these features."""
    import keras

    from ctrmoe.evaluation import evaluate
    from ctrmoe.training import train

    kept = tuple(feature for feature in schema.features if feature.name in features)
    keras.backend.clear_session()
    with tempfile.TemporaryDirectory() as place:
        rows = pl.read_parquet(folder / "train.parquet")
        rows = rows.sample(min(MOST_ROWS, len(rows)), seed=seed, shuffle=True)
        rows.write_parquet(Path(place, "train.parquet"))
        prepare(
            schema.replace(features=kept, domain="", timestamp=""),
            [Path(place, "train.parquet")],
            valid=[folder / "valid.parquet"],
            out=Path(place, "prepared"),
        )
        config = {**CONFIG, "seed": seed, "data": {"prepared": str(Path(place, "prepared"))}}
        run = train(Config.from_dict(config), Path(place, "run"))
        result = evaluate(run, [folder / "test.parquet"]).result()
    return result["tasks"][schema.tasks[0].name]["auc"]


def measure(args: argparse.Namespace) -> None:
    """Trains what OUT has no figure of."""
    start = time.monotonic()
    missing = [job for job in jobs(args) if not job[3].exists()]
    for number, (name, seed, features, path) in enumerate(missing):
        if args.minutes and time.monotonic() - start > 60 * args.minutes:
            break
        auc = train_and_test(folder_of(args, name, seed), schema_of(name), features, seed)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"auc": auc, "features": features}))
        print(
            f"{name} {seed} {len(features)} {auc:.4f}; {len(missing) - number - 1} left", flush=True
        )


def figures(args: argparse.Namespace, name: str) -> dict[str, dict[int, list[float]]]:
    """Test AUC by ranking, number of features and seed, as far as OUT has it."""
    result: dict[str, dict[int, list[float]]] = {ranking: {} for ranking in RANKINGS}
    for seed in range(1, args.seeds + 1):
        for ranking, order in rankings(args, name, seed).items():
            for size in (*SIZES, len(order)):
                path = figure(folder_of(args, name, seed), seed, order[:size])
                if path.exists():
                    auc = json.loads(path.read_text())["auc"]
                    result[ranking].setdefault(size, []).append(auc)
    return result


def report(args: argparse.Namespace) -> str:
    """The table of a data set: mean and standard deviation over the seeds."""
    parts = []
    for name in args.sets:
        found = figures(args, name)
        sizes = sorted({size for by_size in found.values() for size in by_size})
        rows = {"first": [*RANKINGS, "seeds"]}
        for size in sizes:
            columns = [found[ranking].get(size, []) for ranking in RANKINGS]
            cells = [f"{np.mean(c):.4f} ± {np.std(c):.4f}" if c else "-" for c in columns]
            label = f"all {size}" if size not in SIZES else str(size)
            rows[label] = [*cells, str(len(columns[0]))]
        title = f"{SETS[name].title.partition(',')[0]}, `{CHOSEN[name]}`"
        parts.append(f"## {title}\n\n{table(rows)}")
    return "\n\n".join(parts)


def plot(args: argparse.Namespace, path: Path) -> None:
    """Draws test AUC by the number of features."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    drawing, axes = pyplot.subplots(1, len(args.sets), figsize=(5 * len(args.sets), 3.6))
    for axis, name in zip(np.atleast_1d(axes), args.sets, strict=True):
        for shift, (ranking, by_size) in enumerate(figures(args, name).items()):
            sizes = sorted(by_size)
            means, stds = (
                [function(by_size[size]) for size in sizes] for function in (np.mean, np.std)
            )
            moved = [size + 0.25 * shift for size in sizes]
            axis.errorbar(moved, means, stds, marker="o", capsize=2, label=ranking)
        axis.set(title=f"{name}: {CHOSEN[name]}", xlabel="features", ylabel="test AUC")
        axis.legend(fontsize="small")
    drawing.tight_layout()
    drawing.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--outrank", type=Path, required=True, help="the folder of its commands")
    parser.add_argument("--sets", nargs="*", default=list(CHOSEN), choices=list(CHOSEN))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.outrank, args.out = args.outrank.absolute(), args.out.absolute()
    measure(args)
    text = (
        f"# Ranking: usefulness\n\nTest AUC on the first features of a ranking, mean and standard "
        f"deviation over {args.seeds} seeds. One model for all: {json.dumps(CONFIG)}, on at most "
        f"{MOST_ROWS:,} training rows drawn by the seed.\n\n{report(args)}\n\n"
        f"Machine: {clocks.machine()}, 1-minute load {os.getloadavg()[0]:.1f}. polars "
        f"{pl.__version__}, LightGBM {lightgbm.__version__}, OutRank 0.97.5.\n\nCommand: `python "
        "benchmarks/ranking_usefulness.py --data DATA --out OUT --outrank BIN "
        f"--seeds {args.seeds}`\n"
    )
    print(text)
    if args.record:
        plot(args, RESULTS / "ranking_usefulness.svg")
        figure_line = "![Test AUC by the number of features](ranking_usefulness.svg)\n\n"
        text = text.replace("Machine:", f"{figure_line}Machine:")
        (RESULTS / "ranking_usefulness.md").write_text(text)


if __name__ == "__main__":
    main()
