"""LightGBM on the leaderboard's rows and columns, tuned with as many trials.

    python benchmarks/boosted_trees.py --data DATA --out OUT      # two minutes
    ... --record                                                  # writes results/

DATA is that of `leaderboard.py`. A booster for each task; a trial learns from all training rows and
ends when the AUC of the validation part has not risen for fifty trees. Only the sets without ids of
users and sequences: trees have no use for those.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import clocks
import leaderboard_sets
import lightgbm
import numpy as np
import optuna
import polars as pl
from leaderboard_sets import PARTS, SETS
from sklearn.metrics import log_loss, roc_auc_score

from ctrmoe.files import write_text
from ctrmoe.schema import Schema

RESULT = Path(__file__).parent / "results" / "boosted_trees.md"
MOST_TREES = 2_000
PATIENCE = 50
BAGGING = 0.8
"""Share of the rows that a tree is grown on."""
RANGES: dict[str, dict[str, Any]] = {
    "learning_rate": {"low": 0.02, "high": 0.2, "log": True},
    "feature_fraction": {"low": 0.3, "high": 1.0},
    "lambda_l2": {"low": 1e-3, "high": 10.0, "log": True},
}
LEAVES = (15, 127)
FIRST = {"learning_rate": 0.1, "feature_fraction": 1.0, "lambda_l2": 1e-3, "num_leaves": 31}
"""LightGBM's defaults, but `lambda_l2`: 0 lies in no logarithmic range."""


class Trees:
    """The boosters of one task of a data set.

    Args:
        frames: The raw parts by name.
        schema: Which columns are read, and as what.
        label: Column of the task.
    """

    def __init__(self, frames: dict[str, pl.DataFrame], schema: Schema, label: str) -> None:
        kinds = {feature.column: feature.kind for feature in schema.features}
        values = {name: _table(frame, frames["train"], kinds) for name, frame in frames.items()}
        self.labels = {name: frame[label].to_numpy() for name, frame in frames.items()}
        self.test = values["test"]
        categorical = [place for place, kind in enumerate(kinds.values()) if kind != "numeric"]
        self.train = lightgbm.Dataset(
            values["train"],
            self.labels["train"],
            categorical_feature=categorical,
            free_raw_data=False,
        )
        self.valid = self.train.create_valid(values["valid"], self.labels["valid"])

    def tune(self, trials: int, threads: int) -> dict[str, Any]:
        """The settings of the best trial by the AUC of the validation part."""

        def objective(trial: optuna.Trial) -> float:
            settings = {name: trial.suggest_float(name, **span) for name, span in RANGES.items()}
            leaves = trial.suggest_int("num_leaves", *LEAVES, log=True)
            return _valid_auc(self.fit({**settings, "num_leaves": leaves}, 1, threads))

        study = optuna.create_study(
            direction="maximize", sampler=optuna.samplers.TPESampler(seed=1)
        )
        study.enqueue_trial(FIRST)
        study.optimize(objective, n_trials=trials)
        return study.best_params

    def fit(self, settings: dict[str, Any], seed: int, threads: int) -> lightgbm.Booster:
        """Learns until the validation part's AUC rises no more."""
        options = {
            **settings,
            "objective": "binary",
            "metric": "auc",
            "bagging_fraction": BAGGING,
            "bagging_freq": 1,
            "feature_pre_filter": False,
            "seed": seed,
            "num_threads": threads,
            "verbose": -1,
        }
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        return lightgbm.train(
            options, self.train, MOST_TREES, valid_sets=[self.valid], callbacks=[stop]
        )

    def figures(self, booster: lightgbm.Booster) -> dict[str, float]:
        """AUC and log loss of the test part, AUC of the validation part, trees."""
        predicted = booster.predict(self.test)
        return {
            "auc": float(roc_auc_score(self.labels["test"], predicted)),
            "logloss": float(log_loss(self.labels["test"], predicted)),
            "valid_auc": _valid_auc(booster),
            "trees": booster.best_iteration,
        }


def _valid_auc(booster: lightgbm.Booster) -> float:
    return float(booster.best_score["valid_0"]["auc"])


def _table(frame: pl.DataFrame, train: pl.DataFrame, kinds: Mapping[str, str]) -> np.ndarray:
    """Numbers as they are and the values of the others as their places in the training part."""
    columns = []
    for name, kind in kinds.items():
        column = frame[name]
        if kind != "numeric":
            known = train[name].drop_nulls().cast(pl.String).unique().sort()
            column = column.cast(pl.String).cast(pl.Enum(known), strict=False).to_physical()
        columns.append(column.cast(pl.Float64).fill_null(np.nan).to_numpy())
    return np.stack(columns, axis=1)


def row(name: str, task: str, runs: Sequence[dict[str, float]], settings: dict[str, Any]) -> str:
    cells = [_spread([run[figure] for run in runs]) for figure in ("auc", "logloss")]
    valid = statistics.median(run["valid_auc"] for run in runs)
    trees = " ".join(f"{run['trees']:.0f}" for run in runs)
    found = ", ".join(f"`{key}` {value:.2g}" for key, value in settings.items())
    return (
        f"| {SETS[name].title} | `{task}` | {' | '.join(cells)} | {valid:.4f} | {trees} | {found} |"
    )


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.4f} [{min(values):.4f} – {max(values):.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts")
    sets = ("census_income", "criteo_10k")
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1")
    parser.add_argument("--threads", type=int, default=clocks.THREADS)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows = []
    for name in args.sets:
        folders = leaderboard_sets.make(name, args.data, args.out / name)
        frames = {part: pl.read_parquet(folders.raw / f"{part}.parquet") for part in PARTS}
        schema = Schema.load(folders.prepared / "schema.toml")
        for task in schema.tasks:
            trees = Trees(frames, schema, task.label)
            settings = trees.tune(args.trials, args.threads)
            boosters = [
                trees.fit(settings, seed, args.threads) for seed in range(1, args.seeds + 1)
            ]
            found = [trees.figures(booster) for booster in boosters]
            rows.append(row(name, task.name, found, settings))
            print(rows[-1], flush=True)
    heads = ["data set", "task", "test AUC", "test logloss", "validation AUC", "trees", "found"]
    text = "\n\n".join(
        [
            "# Boosted trees",
            "LightGBM on the parts and columns of [the leaderboard](../LEADERBOARD.md), median "
            f"[range] of the seeds 1 to {args.seeds}; {args.trials} trials by Optuna on the "
            "validation AUC, all on all training rows. The first trial has LightGBM's defaults, "
            f"but `lambda_l2` {FIRST['lambda_l2']}. "
            f"At most {MOST_TREES:,} trees, each on {BAGGING:.0%} of the rows, until the "
            f"validation AUC has not risen for {PATIENCE}.",
            "\n".join([f"| {' | '.join(heads)} |", "|---|---|---:|---:|---:|---:|---|", *rows]),
            f"Machine: {clocks.machine()}. LightGBM {lightgbm.__version__}.",
            f"Command: `python benchmarks/boosted_trees.py --data DATA --out OUT --trials "
            f"{args.trials} --seeds {args.seeds} --record`",
        ]
    )
    print(text)
    if args.record:
        write_text(RESULT, text + "\n")


if __name__ == "__main__":
    main()
