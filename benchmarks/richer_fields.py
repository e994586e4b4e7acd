"""What numeric embeddings, composed tables and narrower tables cost and gain, beside a plain MLP.

    python benchmarks/richer_fields.py PREPARED…
    python benchmarks/richer_fields.py PREPARED… --record   # writes results/

The folders are those that `ctrmoe prepare` wrote, with a test part. One with features that are read
as numbers gets a row for every numeric embedding; one with large vocabularies gets rows with two
composed tables and with narrower tables for those. Finished runs in `--runs` are not trained again.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import keras
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.layers import NUMERIC_EMBEDDINGS
from ctrmoe.run import Run
from ctrmoe.training import train, validate

RESULT = Path(__file__).parent / "results" / "richer_fields.md"
MODEL = {"embedding": {"dim": 8}, "deep": {"units": [128, 64]}}
OPTIONS = {"bottom_mlp": {"units": [64, 32]}}
LARGE = 1_000
"""Vocabularies of fewer ids keep their tables."""
BUCKETS = (4, 32)
"""A composed table has a remainder for so many ids."""
NARROW = 4


def variants(encoder: Encoder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and options of `[model.embedding]`; the plain model comes first."""
    yield "plain (`linear`, a row an id)", {}
    if encoder.schema.values:
        for kind in sorted(set(NUMERIC_EMBEDDINGS) - {"linear"}):
            yield f"numeric `{kind}`", {"numeric": {"kind": kind, **OPTIONS.get(kind, {})}}
    sizes = {
        feature.name: encoder.vocabulary_size(feature.name)
        for feature in encoder.schema.features
        if not feature.vocabulary and encoder.vocabulary_size(feature.name) > LARGE
    }
    for share in BUCKETS if sizes else ():
        composed = {
            name: {"compose": "quotient_remainder", "buckets": size // share}
            for name, size in sizes.items()
        }
        yield f"`quotient_remainder`, a bucket for {share} ids", {"features": composed}
    if sizes:
        yield f"large tables {NARROW} wide (`dims`)", {"dims": dict.fromkeys(sizes, NARROW)}


def figures(
    prepared: Path, embedding: dict[str, Any], seed: int, epochs: int, folder: Path
) -> dict[str, float]:
    """Trains one model, if it is not there yet; its sizes and its figures on the test part."""
    config = Config.from_dict(
        {
            "seed": seed,
            "data": {"prepared": str(prepared)},
            "model": MODEL | {"embedding": MODEL["embedding"] | embedding},
            "train": {"epochs": epochs, "batch_size": 1024},
        }
    )
    run = train(config, folder, resume=True)
    return sizes(run) | validate(run.predictor, prepared / "test", run.schema)


def sizes(run: Run) -> dict[str, float]:
    """Bytes of the tables, and parameters of the tables and of what reads numbers."""
    weights = run.model.weights
    tables = sum(w.value.shape.num_elements() for w in weights if w.path.endswith("/table"))
    numbers = sum(w.value.shape.num_elements() for w in weights if "/numbers/" in w.path)
    return {"tables": tables, "bytes": 4 * tables, "numbers": numbers}


def table(prepared: Path, seeds: list[int], epochs: int, runs_folder: Path) -> str:
    """One row a variant: medians over the seeds, with the lowest and the highest AUC."""
    encoder = Encoder.load(prepared)
    tasks = [task.name for task in encoder.schema.tasks]
    lines = [
        "| embedding | table parameters | MB | parameters for numbers | "
        + " | ".join(f"`{task}` AUC" for task in tasks)
        + " |",
        "|---|" + "---:|" * (3 + len(tasks)),
    ]
    for number, (name, embedding) in enumerate(variants(encoder)):
        folders = [runs_folder / f"{encoder.schema.name}_{number}_{seed}" for seed in seeds]
        runs = [
            figures(prepared, embedding, seed, epochs, folder)
            for seed, folder in zip(seeds, folders, strict=True)
        ]
        first = runs[0]
        cells = [f"{first['tables']:,}", f"{first['bytes'] / 1e6:.2f}", f"{first['numbers']:,}"]
        for task in tasks:
            found = [run[f"valid_{task}_auc"] for run in runs]
            cells.append(f"{statistics.median(found):.4f} [{min(found):.4f} – {max(found):.4f}]")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prepared", type=Path, nargs="+")
    parser.add_argument("--runs", type=Path, default=Path("runs/richer_fields"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    parts = [
        "# Richer fields",
        f"Test AUC, median [range] of the seeds {', '.join(map(str, args.seeds))}; an MLP 128-64 "
        f"on tokens of 8, {args.epochs} epochs of batches of 1,024, lazy Adam at 0.003, nothing "
        f"tuned. Large are vocabularies of more than {LARGE:,} ids.",
    ]
    for prepared in args.prepared:
        schema = Encoder.load(prepared).schema
        parts += [f"## {schema.name}", table(prepared, args.seeds, args.epochs, args.runs)]
    seeds = " ".join(map(str, args.seeds))
    parts += [
        f"Machine: {clocks.machine()}. TensorFlow {tf.__version__}, Keras {keras.__version__}.",
        f"Command: `python benchmarks/richer_fields.py PREPARED… --seeds {seeds} --epochs "
        f"{args.epochs} --record`",
    ]
    text = "\n\n".join(parts)
    print(text)
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
