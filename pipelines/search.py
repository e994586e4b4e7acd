"""Optuna searches the model and its features together, with the ranking as its prior.

    python pipelines/search.py --trials 20 --out searched
    python pipelines/search.py --schema schema.toml --train train.parquet --test test.parquet

Without files it takes the embedded sample of Census-Income. The prior has two parts:

- Features enter in the order of their ranking, and crosses in that of their synergy above noise.
  Instead of 2^n subsets two numbers are searched: how many features, on a logarithmic scale, so
  that the first ten are looked at as closely as all others, and how many crosses.
- The first trial is what the ranking chooses by itself, all features above noise that are no
  copies of a better one, without crosses; the next two are the better half of them and the best
  eighth, both with the first crosses. The sampler (TPE) learns from them as from any other.

Rows are prepared once for each choice of features and split alike, so that validation figures
compare. `ctrmoe tune` searches config keys alone, in the same ranges; it prunes and resumes.
"""

import argparse
import shutil
from pathlib import Path

import optuna

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.demo import SAMPLE
from ctrmoe.evaluation import evaluate
from ctrmoe.ranking import rank_combinations, select
from ctrmoe.run import Run
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
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("searched"))
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Features:
    """Schemas of so many features and crosses, in the order of the ranking."""

    def __init__(self, schema: Schema, options: argparse.Namespace) -> None:
        self.schema, self.options = schema, options
        tables = rank_combinations(schema, options.train, order=2, seed=options.seed)
        self.ranking, self.redundancy = tables["ranking"], tables["redundancy"]
        crossed = select(schema, self.ranking, tables["pairs"], count=1, crosses=MOST_CROSSES)
        self.crosses = crossed.features[1:]
        self.above_noise = len(select(schema, self.ranking, None, self.redundancy).features)

    def chosen(self, count: int, crosses: int) -> Schema:
        schema = select(self.schema, self.ranking, None, self.redundancy, count)
        return schema.replace(features=schema.features + self.crosses[:crosses])

    def prepared(self, count: int, crosses: int) -> Path:
        folder = self.options.out / f"prepared_{count}_{crosses}"
        if not folder.exists():
            schema, seed = self.chosen(count, crosses), self.options.seed
            prepare(schema, self.options.train, split="random:0.9,0.1", seed=seed, out=folder)
        return folder


def main() -> None:
    options = arguments()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    features = Features(Schema.load(options.schema), options)
    few = {"features": 1, "crosses": 0}
    config = Config.from_dict(
        {
            "seed": options.seed,
            "data": {"prepared": str(features.prepared(*few.values()))},
            "model": MODEL,
            "train": {"epochs": options.epochs, "batch_size": 512},
        }
    )

    # 1. The space: the ranges of the config, and two of the features.
    space = SearchSpace(SEARCH, config)
    ranges = space.distributions | {
        "features": optuna.distributions.IntDistribution(
            1, len(features.schema.features), log=True
        ),
        "crosses": optuna.distributions.IntDistribution(0, len(features.crosses)),
    }
    sampler = optuna.samplers.TPESampler(n_startup_trials=5, seed=options.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for share, crosses in ((1, 0), (2, 3), (8, 3)):
        count = max(features.above_noise // share, 1)
        wanted = {"features": count, "crosses": min(crosses, len(features.crosses))}
        study.enqueue_trial(space.start() | wanted)

    # 2. The trials: each a training whose best epoch on the validation part counts.
    best: Run | None = None
    for number in range(options.trials):
        trial = study.ask(ranges)
        chosen = {name: trial.params[name] for name in few}
        values = space.decode({key: trial.params[key] for key in space.keys})
        values["data.prepared"] = str(features.prepared(*chosen.values()))
        run = train(space.with_values(values), options.out / f"trial_{number:03d}")
        area = run.metrics["best"]["valid_auc"]
        study.tell(trial, area)
        print(f"trial {number}: valid_auc {area:.4f}, {trial.params}", flush=True)
        if study.best_trial.number == number:
            best, beaten = run, best
        else:
            beaten = run
        if beaten:
            shutil.rmtree(beaten.folder)

    # 3. What was found, and the figures of rows that no trial has seen.
    (options.out / "schema.toml").write_text(best.schema.dumps(), encoding="utf-8")
    measured = evaluate(best, options.test).result()["tasks"]
    figures = ", ".join(f"{task} {own['auc']:.4f}" for task, own in measured.items())
    print(f"Best: trial {study.best_trial.number} in {best.folder}, AUC on the test part {figures}")


if __name__ == "__main__":
    main()
