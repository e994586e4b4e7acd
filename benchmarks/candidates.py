"""Rows/s of `serve_candidates` beside full rows through `serving_default`, and of batch buckets.

python benchmarks/candidates.py            # a minute or two
python benchmarks/candidates.py --record   # writes results/
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import clocks

os.environ.update(clocks.worker_environment())

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.export import ExportOptions, export
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.run import METRICS, MODEL, Run
from ctrmoe.schema import Schema

CONFIGS = Path(__file__).parents[1] / "pipelines" / "configs"
RESULT = Path(__file__).parent / "results" / "candidates.md"
USER = [f"user_{i}" for i in range(20)]
ITEM = ["item_id", *(f"item_{i}" for i in range(5))]
NUMBERS = ["user_number_0", "user_number_1", "item_price", "item_age"]
CANDIDATES = (*ITEM, "item_price", "item_age")
LENGTH = 50
BUCKETS = (1, 8, 32, 128, 512)
# In full, a narrower one, and poolings that read a candidate or not.
MODELS = {
    "dnn (400, 400, 400)": ("dnn", []),
    "dnn (64, 32)": ("dnn", ["model.deep={units=[64, 32]}"]),
    "dnn (64, 32), self-attention over the history": (
        "dnn",
        ["model.deep={units=[64, 32]}", "model.pooling={kind='self_attention'}"],
    ),
    "dnn (64, 32), target attention over the history": (
        "dnn",
        ["model.deep={units=[64, 32]}", "model.pooling={kind='target_attention'}"],
    ),
    "autoint (3 layers)": ("autoint", []),
}


def schema() -> Schema:
    """A user with a history, a candidate, four numbers."""
    names = [*USER, *ITEM]
    return Schema.from_dict(
        {
            "name": "feed",
            "tasks": [{"name": "click"}],
            "features": [
                *({"name": name, "kind": "categorical"} for name in names),
                *({"name": name, "kind": "numeric", "transform": "log"} for name in NUMBERS),
                {
                    "name": "history",
                    "kind": "sequence",
                    "max_length": LENGTH,
                    "vocabulary": "item_id",
                },
            ],
        }
    )


def table(rows: int, seed: int) -> pl.DataFrame:
    """Random rows: texts of up to 1,000 values a column, whole histories."""
    random = np.random.default_rng(seed)
    words = np.array([f"value_{i}" for i in range(1_000)])
    texts = {name: words[random.integers(1_000, size=rows)] for name in (*USER, *ITEM)}
    numbers = {name: random.lognormal(size=rows) for name in NUMBERS}
    history = words[random.integers(1_000, size=(rows, LENGTH))].tolist()
    return pl.DataFrame(texts | numbers | {"history": history, "click": [0, 1] * (rows // 2)})


def exported(name: str, options: list[str], encoder: Encoder, folder: Path, **how: Any) -> Path:
    """The export of a model that has not been trained: it takes as long to answer."""
    config = Config.load(CONFIGS / f"{name}.toml", ["data.prepared=none", *options])
    run = Run.create(folder / "run", config, encoder)
    run.build_model().save(run.folder / MODEL)
    (run.folder / METRICS).write_text("{}")
    return export(run, folder / "model", ExportOptions(batch_buckets=BUCKETS, **how))


def milliseconds(calls: Mapping[str, Callable[[], Any]], repetitions: int) -> dict[str, float]:
    """The median time of each call, taken in turns after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repetition in range(-5, repetitions):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if repetition >= 0:
                times[name].append(time.perf_counter() - start)
    return {name: 1e3 * statistics.median(found) for name, found in times.items()}


def caller(loaded: Any, signature: str, inputs: Mapping[str, np.ndarray]) -> Callable[[], Any]:
    """A call of a signature with tensors that lie in memory."""
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    return lambda: loaded.signatures[signature](**tensors)["click"].numpy()


def beside(folder: Path, encoder: Encoder, args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of full rows and of candidates of one user."""
    loaded = tf.saved_model.load(str(folder))
    rows = sample_rows(encoder, args.candidates, full=True)
    shared = [name for name in rows.columns if name not in CANDIDATES]
    rows = rows.with_columns(rows.select(shared)[np.zeros(args.candidates, int)])
    names = ("serving_default", "serve_candidates")
    inputs = {name: request(name, rows, encoder.schema, shared) for name in names}
    calls = {name: caller(loaded, name, inputs[name]) for name in names}
    worst = float(np.abs(calls[names[0]]() - calls[names[1]]()).max())
    return {**milliseconds(calls, args.repetitions), "difference": worst}


def by_bucket(folder: Path, encoder: Encoder, args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds of each batch bucket through `serving_default`."""
    loaded = tf.saved_model.load(str(folder))
    rows = sample_rows(encoder, BUCKETS[-1], full=True)
    calls = {
        str(size): caller(
            loaded, "serving_default", request("serving_default", rows.head(size), encoder.schema)
        )
        for size in BUCKETS
    }
    return milliseconds(calls, args.repetitions)


def candidates_table(found: Mapping[str, Mapping[str, float]], count: int) -> str:
    lines = [
        "| model | full rows, rows/s | candidates, rows/s | times | largest difference |",
        "|---|---:|---:|---:|---:|",
    ]
    for model, of in found.items():
        full, short = of["serving_default"], of["serve_candidates"]
        rates = f"{count / full * 1e3:,.0f} | {count / short * 1e3:,.0f}"
        lines.append(f"| {model} | {rates} | {full / short:.2f} | {of['difference']:.1e} |")
    return "\n".join(lines)


def buckets_table(found: Mapping[str, Mapping[str, float]]) -> str:
    lines = ["| rows | " + " | ".join(f"{way}, ms" for way in found) + " |"]
    lines.append("|---:|" + "---:|" * len(found))
    for size in map(str, BUCKETS):
        lines.append(f"| {size} | " + " | ".join(f"{of[size]:.2f}" for of in found.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    encoder = Encoder.fit(schema(), table(4_000, seed=0))
    found, buckets = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for number, (model, (config, options)) in enumerate(MODELS.items()):
            place = Path(name) / str(number)
            folder = exported(config, options, encoder, place, candidates=CANDIDATES)
            found[model] = beside(folder, encoder, args)
            print(model, found[model], flush=True)
            if config == "dnn" and not options:
                buckets["as it is"] = by_bucket(folder, encoder, args)
        for option in ("jit", "bfloat16"):
            folder = exported("dnn", [], encoder, Path(name) / option, **{option: True})
            buckets[f"--{option}"] = by_bucket(folder, encoder, args)
    text = "\n\n".join(
        (
            "# Candidates of one user, and batch buckets",
            f"Median of {args.repetitions} calls in turns of the loaded SavedModel, on tensors in "
            f"memory: {len(USER)} texts, 2 numbers and a history of {LENGTH} of the user, "
            f"{len(ITEM)} texts and 2 numbers of each of {args.candidates} candidates. Models that "
            "have not been trained: the weights change no time.",
            candidates_table(found, args.candidates),
            "A call of `serving_default` by number of rows, of dnn (400, 400, 400):",
            buckets_table(buckets),
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads, "
            f"1-minute load {os.getloadavg()[0]:.1f}. TensorFlow {tf.__version__}.",
            "Command: `python benchmarks/candidates.py --record`",
        )
    )
    print(text)
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
