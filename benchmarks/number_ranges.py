"""What ranges of numbers are worth beside a formula: test AUC of one network on Census-Income.

    python benchmarks/number_ranges.py --data DATA --out OUT            # goes on where it was
    ... --record                                                        # writes results/

DATA is that of `leaderboard.py`. The six numbers of the table are read by a formula (a logarithm of
amounts, age and weeks standardised), as ranges, and as both; all else is the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clocks
import leaderboard_sets
from leaderboard import CONFIGS, worker

from ctrmoe import strict
from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.files import write_text
from ctrmoe.schema import Feature, Schema

RESULT = Path(__file__).parent / "results" / "number_ranges.md"
SET = "census_income"
NUMBERS = {
    "age": "standard",
    "weeks_worked": "standard",
    "wage_per_hour": "log",
    "capital_gains": "log",
    "capital_losses": "log",
    "stock_dividends": "log",
}
BUCKETS = (32, 128)
BOTH = 128
SETTINGS = (
    "model.deep.units=[256, 128, 64]",
    "model.embedding.dropout=0.3",
    "train.batch_size=2048",
    "train.learning_rate=0.001",
    "train.epochs=14",
    "train.patience=3",
    "train.precision=mixed_bfloat16",
)


def variants(features: tuple[Feature, ...]) -> Iterator[tuple[str, tuple[Feature, ...]]]:
    """Names and features of each table."""
    others = tuple(feature for feature in features if feature.column not in NUMBERS)
    formulas = tuple(
        Feature(name=name, kind="numeric", transform=transform)
        for name, transform in NUMBERS.items()
    )
    yield "a formula", others + formulas
    for buckets in BUCKETS:
        yield f"{buckets} ranges", others + _ranges(buckets)
    yield f"a formula and {BOTH} ranges", others + formulas + _ranges(BOTH)


def _ranges(buckets: int) -> tuple[Feature, ...]:
    return tuple(
        Feature(
            name=f"{name}_range", source=name, kind="numeric", transform="quantile", buckets=buckets
        )
        for name in NUMBERS
    )


def figures(
    name: str, features: tuple[Feature, ...], seed: int, raw: Path, args: argparse.Namespace
) -> dict[str, Any]:
    """Prepares the table and trains a network, unless an earlier call did."""
    folder = args.out / name.replace(" ", "_")
    kept = folder / f"{seed}.json"
    if not kept.is_file():
        prepared = folder / "prepared"
        if not prepared.is_dir():
            schema = Schema.load(
                leaderboard_sets.RECIPES / leaderboard_sets.SETS[SET].schema
            ).replace(features=features)
            train, valid, test = ([raw / f"{part}.parquet"] for part in leaderboard_sets.PARTS)
            prepare(schema, train, valid=valid, test=test, out=prepared)
        settings = [f"seed={seed}", f"data.prepared='{prepared}'", *SETTINGS]
        path = kept.with_suffix(".toml")
        write_text(path, strict.dump_toml(Config.load(CONFIGS / "dnn.toml", settings).to_dict()))
        words = (kept.with_suffix(""), "--config", path, "--test", raw / "test.parquet")
        write_text(kept, json.dumps(worker(*words), indent=2))
    return json.loads(kept.read_text(encoding="utf-8"))


def row(name: str, runs: list[dict[str, Any]]) -> str:
    cells = []
    for task in runs[0]["tasks"]:
        found = [run["tasks"][task]["auc"] for run in runs]
        cells.append(f"{statistics.median(found):.4f} [{min(found):.4f} – {max(found):.4f}]")
    return f"| {name} | {' | '.join(cells)} | {runs[0]['parameters']:,} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="data and figures of each run")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.out = args.out.resolve()
    folders = leaderboard_sets.make(SET, args.data, args.out / "data")
    schema = Schema.load(folders.prepared / "schema.toml")
    rows = []
    for name, features in variants(schema.features):
        seeds = range(1, args.seeds + 1)
        runs = [figures(name, features, seed, folders.raw, args) for seed in seeds]
        rows.append(row(name, runs))
        print(rows[-1], flush=True)
    tasks = [task.name for task in schema.tasks]
    header = ["the numbers as", *(f"`{task}` AUC" for task in tasks), "parameters"]
    text = "\n\n".join(
        [
            "# Numbers as ranges",
            f"{leaderboard_sets.SETS[SET].title}, test part, median [range] of the seeds 1 to "
            f"{args.seeds}; the config `dnn` with `{'`, `'.join(SETTINGS)}`.",
            "\n".join([f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1), *rows]),
            f"Machine: {clocks.machine()}.",
            "Command: `python benchmarks/number_ranges.py --data DATA --out OUT --seeds "
            f"{args.seeds} --record`",
        ]
    )
    print(text)
    if args.record:
        write_text(RESULT, text + "\n")


if __name__ == "__main__":
    main()
