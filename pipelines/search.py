"""Optuna searches the model and its features together, with the ranking as its prior.

    python pipelines/search.py --trials 20 --out searched
    python pipelines/search.py --schema schema.toml --train train.parquet --test test.parquet

Without files it takes the embedded sample of Census-Income. The prior has two parts:

- Features enter in the order of their ranking, and crosses in that of their synergy above noise.
  Instead of 2^n subsets two numbers are searched: of features, from half of those that the ranking
  keeps up to all, and of crosses.
- The first trial is what the ranking keeps, all features above noise that are no copies of a better
  one; the next are the schema as it stands, and the better half of the first with the first crosses
  and another draw of the model. The sampler (TPE) learns from them as from others.

`--unguided` searches without it: every feature is on or off, all on at first. The ranking sees the
validation rows too; only the last figures see the test part. `ctrmoe tune` searches config keys.
"""

import argparse
import hashlib
import shutil
from pathlib import Path

import optuna
import polars as pl
from optuna.distributions import CategoricalDistribution, IntDistribution

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.demo import SAMPLE
from ctrmoe.evaluation import evaluate
from ctrmoe.ranking import rank_combinations, select
from ctrmoe.schema import Schema
from ctrmoe.training import train
from ctrmoe.tuning import SearchSpace

MODEL = {"interaction": {"kind": "cross_network", "num_layers": 2}, "deep": {"units": [64]}}
SEARCH = {
    "train.learning_rate": {"low": 5e-4, "high": 1e-2, "log": True},
    "model.embedding.dim": {"choices": [8, 16, 32]},
    "model.interaction.num_layers": {"low": 1, "high": 3},
}
MOST_CROSSES = 10


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--schema", type=Path, default=SAMPLE / "schema.toml")
    parser.add_argument("--train", default=SAMPLE / "train.parquet")
    parser.add_argument("--test", default=SAMPLE / "test.parquet")
    parser.add_argument("--split", default="random:0.9,0.1", help="how --train is divided")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("searched"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unguided", action="store_true", help="search without the ranking")
    return parser.parse_args()


class Ranked:
    """So many features and crosses, in the order of the ranking."""

    def __init__(self, schema: Schema, options: argparse.Namespace) -> None:
        self.schema = schema
        tables = rank_combinations(schema, options.train, order=2, seed=options.seed)
        self.ranking, self.redundancy = tables["ranking"], tables["redundancy"]
        pairs = {"pairs": tables["pairs"], "bins": tables["bins"]}
        crossed = select(schema, self.ranking, **pairs, count=1, crosses=MOST_CROSSES)
        self.crosses, every = crossed.features[1:], len(schema.features)
        kept = len(select(schema, self.ranking, None, self.redundancy).features)
        self.starts = [
            {"features": kept, "crosses": 0},
            {"features": every, "crosses": 0},
            {"features": max(kept // 2, 1), "crosses": min(3, len(self.crosses))},
        ]
        self.ranges = {
            "features": IntDistribution(max(kept // 2, 1), every),
            "crosses": IntDistribution(0, len(self.crosses)),
        }

    def chosen(self, features: int, crosses: int) -> Schema:
        schema, found = self.schema, (self.ranking, None, self.redundancy)
        schema = select(schema, *found, features) if features < len(schema.features) else schema
        return schema.replace(features=schema.features + self.crosses[:crosses])


class Free:
    """Every feature on or off."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        names = [feature.name for feature in schema.features]
        self.starts = [dict.fromkeys(names, True)]
        self.ranges = {name: CategoricalDistribution([True, False]) for name in names}

    def chosen(self, **switches: bool) -> Schema:
        on = tuple(feature for feature in self.schema.features if switches[feature.name])
        return self.schema.replace(features=on or self.schema.features[:1])


def prepared(schema: Schema, options: argparse.Namespace) -> Path:
    folder = options.out / hashlib.sha256(schema.dumps().encode()).hexdigest()[:12]
    if not folder.exists():
        prepare(schema, options.train, split=options.split, seed=options.seed, out=folder)
    return folder


def main() -> None:
    options = arguments()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    schema = Schema.load(options.schema)
    choice = Free(schema) if options.unguided else Ranked(schema, options)
    config = Config.from_dict(
        {
            "seed": options.seed,
            "data": {"prepared": str(prepared(choice.chosen(**choice.starts[0]), options))},
            "model": MODEL,
            "train": {"epochs": options.epochs, "batch_size": 512},
        }
    )

    # 1. The space: the ranges of the config, and those of the features.
    space = SearchSpace(SEARCH, config)
    sampler = optuna.samplers.TPESampler(n_startup_trials=5, seed=options.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for number, start in enumerate(choice.starts):
        # The first two are of the model as it stands, then the sampler draws.
        study.enqueue_trial(space.start() | start if number < 2 else start)

    # 2. The trials: each a training whose best epoch on the validation part counts.
    best, records = None, []
    for number in range(options.trials):
        trial = study.ask(space.distributions | choice.ranges)
        chosen = choice.chosen(**{name: trial.params[name] for name in choice.ranges})
        values = space.decode({key: trial.params[key] for key in space.keys})
        values["data.prepared"] = str(prepared(chosen, options))
        run = train(space.with_values(values), options.out / f"trial_{number:03d}")
        area = run.metrics["best"]["valid_auc"]
        study.tell(trial, area)
        print(f"trial {number}: valid_auc {area:.4f}, {trial.params}", flush=True)
        records.append({"trial": number, "valid_auc": area, "features": len(chosen.features)})
        pl.DataFrame(records).write_csv(options.out / "trials.csv")
        beaten, best = (best, run) if study.best_trial.number == number else (run, best)
        if beaten:
            shutil.rmtree(beaten.folder)

    # 3. What was found, and the figures of rows that no trial has seen.
    (options.out / "schema.toml").write_text(best.schema.dumps(), encoding="utf-8")
    measured = evaluate(best, options.test).result()["tasks"]
    figures = ", ".join(f"{task} {own['auc']:.4f}" for task, own in measured.items())
    print(f"Best: trial {study.best_trial.number} in {best.folder}, AUC on the test part {figures}")


if __name__ == "__main__":
    main()
