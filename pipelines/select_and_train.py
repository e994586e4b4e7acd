"""Ranks the features of a table, keeps those worth it, trains on them, and says what that cost.

    python pipelines/select_and_train.py --out selected
    python pipelines/select_and_train.py --schema schema.toml --train train.parquet \\
        --test test.parquet --select auto --crosses 0 --out selected

Without files it takes the embedded sample of Census-Income. Two models of the same config are
trained, one on all features and one on the chosen ones with their crosses, and both are measured
on the test part, which the ranking does not see. The ranking does see the validation rows: they
are a tenth of the training file, and only end the training early.
"""

import argparse
import time
from pathlib import Path

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.demo import SAMPLE
from ctrmoe.evaluation import evaluate
from ctrmoe.ranking import rank_combinations, select, write_tables
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.training import train

MODEL = {
    "embedding": {"dim": 16},
    "interaction": {"kind": "cross_network", "num_layers": 2},
    "deep": {"units": [64]},
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--schema", type=Path, default=SAMPLE / "schema.toml")
    parser.add_argument("--train", default=SAMPLE / "train.parquet")
    parser.add_argument("--test", default=SAMPLE / "test.parquet")
    parser.add_argument("--select", default="25", help="number of features, or auto")
    parser.add_argument("--crosses", type=int, default=3, help="most crosses")
    parser.add_argument("--out", type=Path, default=Path("selected"))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    schema = Schema.load(options.schema)
    count = int(options.select) if options.select.isdecimal() else options.select

    # 1. The ranking: single features, and pairs for what they tell beyond their parts.
    started = time.perf_counter()
    tables = rank_combinations(schema, options.train, order=2, seed=options.seed)
    write_tables(tables, options.out / "ranking")
    print(f"Ranked {len(schema.features)} features in {time.perf_counter() - started:.1f} s")

    # 2. The selection: a schema like any other, for `ctrmoe prepare` and by hand.
    ranked = (tables[name] for name in ("ranking", "pairs", "redundancy"))
    chosen = select(schema, *ranked, count=count, crosses=options.crosses, bins=tables["bins"])
    (options.out / "schema.toml").write_text(chosen.dumps(), encoding="utf-8")
    for feature in chosen.features:
        print("   ", feature.name)

    # 3. The trainings, and the figures of rows that nobody has seen.
    figures = {
        name: trained(name, given, options) for name, given in (("all", schema), ("chosen", chosen))
    }
    print(f"{'':9}{'features':>9}{'seconds':>9}  AUC on the test part")
    for name, (features, seconds, areas) in figures.items():
        shown = ", ".join(f"{task} {area:.4f}" for task, area in areas.items())
        print(f"{name:9}{features:9}{seconds:9.1f}  {shown}")


def trained(
    name: str, schema: Schema, options: argparse.Namespace
) -> tuple[int, float, dict[str, float]]:
    """Returns the number of features, the seconds of the training and the AUC of each task."""
    prepared = options.out / name / "prepared"
    prepare(schema, options.train, split="random:0.9,0.1", seed=options.seed, out=prepared)
    config = Config.from_dict(
        {
            "seed": options.seed,
            "data": {"prepared": str(prepared)},
            "model": MODEL,
            "train": {"epochs": options.epochs, "batch_size": 512, "learning_rate": 0.002},
        }
    )
    started = time.perf_counter()
    run: Run = train(config, options.out / name / "run")
    seconds = time.perf_counter() - started
    measured = evaluate(run, options.test).result()["tasks"]
    return len(schema.features), seconds, {task: own["auc"] for task, own in measured.items()}


if __name__ == "__main__":
    main()
