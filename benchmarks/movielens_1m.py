"""AutoInt's table on MovieLens-1M: test AUC and log loss of AutoInt and AutoInt+, several seeds.

    python benchmarks/movielens_1m.py --ratings ml-1m                     # the original files
    python benchmarks/movielens_1m.py --ratings ratings.parquet --record  # writes results/
    python benchmarks/movielens_1m.py --prepared DIR --ablation --record  # what each choice does

Split and fields are those of datasets/movielens_1m. Epochs are chosen on the validation part;
the test part is read once, by the final runs. Finished runs in `--runs` are not trained again, and
an interrupted one goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import keras
import numpy as np
import tensorflow as tf

from ctrmoe.data.prepare import prepare
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.training import validate

HERE = Path(__file__).parent
RECIPE = HERE.parent / "datasets" / "movielens_1m"
RESULT = HERE / "results" / "movielens_1m.md"
KEPT = "## How the settings were found"
PACKAGES = {"TensorFlow": tf, "Keras": keras, "NumPy": np}

# Name of the model: its config, and the AUC and log loss that the paper reports.
MODELS = {
    "AutoInt": ("autoint_movielens.toml", 0.8456, 0.3797),
    "AutoInt+": ("autoint_plus_movielens.toml", 0.8488, 0.3753),
}
SHORT = ["train.epochs=3", "model.interaction.dropout=0.0"]
"""Ablations are short: their schedule falls to 0 in three epochs, too few to need dropout."""
ABLATIONS: dict[str, list[str]] = {
    "nothing": [],
    "learning rate 0.001": ["train.learning_rate=0.001"],
    "learning rate 0.01": ["train.learning_rate=0.01"],
    "constant learning rate": ["train.schedule=constant"],
    "Keras's Adam": ["train.optimizer={kind='adam'}"],
    "the paper's equations": ["model.interaction.authors_code=false"],
    "attention dropout 0.4": ["model.interaction.dropout=0.4"],
    "embedding dropout 0.1": ["model.embedding.dropout=0.1"],
    "embedding L2 0.001": ["model.embedding.l2=0.001"],
    "batches of 256": ["train.batch_size=256"],
    "d = 32": ["model.embedding.dim=32"],
}
"""What each row of the table changes."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--ratings", type=Path, help="the folder ml-1m, or its tables in one parquet")
    data.add_argument("--prepared", type=Path, help="what an earlier call left in RUNS/prepared")
    parser.add_argument("--runs", type=Path, default=Path("runs/movielens_1m"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--ablation", action="store_true", help="the ablations as well")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def prepare_protocol(ratings: Path, folder: Path) -> Path:
    """Runs the recipe of datasets/movielens_1m, unless an earlier call did."""
    prepared = folder / "prepared"
    if not prepared.is_dir():
        source = [ratings] if ratings.is_dir() else ["--ratings-parquet", ratings]
        command = [sys.executable, RECIPE / "prepare.py", *source, "--out", folder / "raw"]
        subprocess.run(list(map(str, command)), check=True)
        train, valid, test = (folder / "raw" / f"{p}.parquet" for p in ("train", "valid", "test"))
        schema = Schema.load(RECIPE / "schema.toml")
        prepare(schema, [train], valid=[valid], test=[test], out=prepared)
    return prepared


def train_run(config: str, overrides: Sequence[str], out: Path) -> Run:
    """Trains by the command line in a process of its own, so that runs do not share state."""
    settings = [word for override in overrides for word in ("--set", override)]
    command = [sys.executable, "-m", "ctrmoe.cli", "train", str(HERE / "configs" / config)]
    subprocess.run([*command, *settings, "--out", str(out), "--resume"], check=True)
    return Run(out)


def final_figures(run: Run, prepared: Path) -> dict[str, Any]:
    """The run's figures on the test part and what it took."""
    test = validate(run.predictor, prepared / "test", run.schema)
    metrics = run.metrics
    return {
        "seed": run.config.seed,
        "auc": test["valid_auc"],
        "logloss": test["valid_logloss"],
        "valid_auc": metrics["best"]["valid_auc"],
        "epoch": metrics["best_epoch"],
        "epochs": metrics["epochs"],
        "parameters": metrics["parameters"],
        "seconds": metrics["seconds"],
    }


def final_table(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Medians over the seeds beside the paper's figures."""
    lines = ["| model | test AUC | paper | test log loss | paper |", "|---|---:|---:|---:|---:|"]
    for name, runs in rows.items():
        _, paper_auc, paper_logloss = MODELS[name]
        auc, logloss = (_spread([run[key] for run in runs]) for key in ("auc", "logloss"))
        lines.append(f"| {name} | {auc} | {paper_auc:.4f} | {logloss} | {paper_logloss:.4f} |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"**{statistics.median(values):.4f}** [{min(values):.4f} – {max(values):.4f}]"


def runs_table(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Every run."""
    lines = [
        "| model | seed | test AUC | test log loss | validation AUC | best epoch | wall time, s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {run['seed']} | {run['auc']:.5f} | {run['logloss']:.5f} | "
        f"{run['valid_auc']:.5f} | {run['epoch']} of {run['epochs']} | {run['seconds']:,.0f} |"
        for name, runs in rows.items()
        for run in runs
    ]
    return "\n".join(lines)


def ablation_table(prepared: Path, runs: Path) -> str:
    """Validation figures of short trainings, each with one choice changed."""
    lines = ["| changed | validation AUC | log loss | training loss |", "|---|---:|---:|---:|"]
    for name, overrides in ABLATIONS.items():
        settings = [f"data.prepared={prepared}", "seed=1", *SHORT, *overrides]
        folder = runs / "ablation" / name.replace(" ", "_").replace("/", "_")
        best = train_run(MODELS["AutoInt"][0], settings, folder).metrics["best"]
        figures = (best["valid_auc"], best["valid_logloss"], best["train_loss"])
        lines.append(f"| {name} | " + " | ".join(f"{figure:.4f}" for figure in figures) + " |")
    return "\n".join(lines)


def final_rows(prepared: Path, args: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Figures of every model and seed; each is printed as soon as it is there."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in args.models:
        config = MODELS[name][0]
        for seed in args.seeds:
            folder = args.runs / f"{Path(config).stem}_{seed}"
            run = train_run(config, [f"data.prepared={prepared}", f"seed={seed}"], folder)
            rows.setdefault(name, []).append(final_figures(run, prepared))
            print(name, json.dumps(rows[name][-1]), flush=True)
    return rows


def record(text: str) -> None:
    """Writes the result file, but for the part on how the settings were found, which is kept."""
    before = RESULT.read_text(encoding="utf-8") if RESULT.exists() else ""
    _, mark, kept = before.partition(KEPT)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(f"{text}\n" + (f"\n{mark}{kept}" if mark else ""), encoding="utf-8")


def main() -> None:
    args = arguments()
    prepared = args.prepared or prepare_protocol(args.ratings, args.runs)
    rows = final_rows(prepared, args)
    parts = [
        "# AutoInt on MovieLens-1M",
        f"Median [range] of the seeds {', '.join(map(str, args.seeds))} on the test part.",
        final_table(rows),
        "## Runs",
        runs_table(rows),
    ]
    if args.ablation:
        parts += [
            f"## Ablations (AutoInt, seed 1, {', '.join(SHORT)})",
            ablation_table(prepared, args.runs),
        ]
    versions = ", ".join(f"{name} {module.__version__}" for name, module in PACKAGES.items())
    parts += [
        f"Machine: {clocks.machine()}. Versions: {versions}.",
        "Command: `python benchmarks/movielens_1m.py --ratings RATINGS"
        f" --models {' '.join(args.models)} --seeds {' '.join(map(str, args.seeds))}"
        + (" --ablation" if args.ablation else "")
        + " --record`",
    ]
    text = "\n\n".join(parts)
    print(text)
    if args.record:
        record(text)


if __name__ == "__main__":
    main()
