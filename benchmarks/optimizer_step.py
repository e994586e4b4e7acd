"""CPU time of a training step against the size of the table, ours beside Keras's optimizers.

The model reads 26 ids of dimension 16 from one table and feeds an MLP 256-128; every optimizer
trains it with `train_on_batch` on batches held in memory, and repetitions are interleaved.

    python benchmarks/optimizer_step.py            # some minutes and 8 GB
    python benchmarks/optimizer_step.py --quick    # a smoke run, its figures mean nothing
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.optimizers import LazyAdam, SparseAdagrad, SparseFtrl

FIELDS, DIM, UNITS = 26, 16, (256, 128)
DISTRIBUTIONS = ("zipf", "uniform")
RESULT = Path(__file__).parent / "results" / "optimizer_step.md"

# Ours, Keras's own of that name, and Keras's Adam: the models of one group are in memory together.
GROUPS: tuple[dict[str, type[keras.optimizers.Optimizer]], ...] = (
    {
        "SparseAdagrad": SparseAdagrad,
        "Keras Adagrad": keras.optimizers.Adagrad,
        "Keras Adam": keras.optimizers.Adam,
    },
    {"LazyAdam": LazyAdam, "Keras Adam": keras.optimizers.Adam},
    {
        "SparseFtrl": SparseFtrl,
        "Keras Ftrl": keras.optimizers.Ftrl,
        "Keras Adam": keras.optimizers.Adam,
    },
)


class TableLookup(keras.layers.Layer):
    """Reads rows of one table by a resource gather: `[B, F]` to `[B, F · D]`."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = self.add_weight(shape=(rows, DIM), initializer="uniform", name="table")

    def call(self, ids: Any) -> Any:
        return tf.reshape(tf.nn.embedding_lookup(self.table.value, ids), (-1, FIELDS * DIM))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], FIELDS * DIM)


def build_model(rows: int, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """The same model and the same kind of lookup for every optimizer."""
    inputs = keras.Input((FIELDS,), dtype="int32")
    hidden = TableLookup(rows)(inputs)
    for units in UNITS:
        hidden = keras.layers.Dense(units, activation="relu")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)
    return model


def draw_ids(rng: np.random.Generator, distribution: str, shape: Sequence[int], size: int) -> Any:
    """Ids of a vocabulary of `size`, uniform or Zipf with exponent 1.1."""
    if distribution == "uniform":
        return rng.integers(0, size, shape)
    power = 1.0 - 1.1  # inverse of the cumulative distribution of the bounded power law
    ranks = ((float(size + 1) ** power - 1.0) * rng.random(shape) + 1.0) ** (1.0 / power)
    # Frequent ids are scattered over the table, as hashing does: neighbours would share caches.
    return rng.permutation(size)[np.clip(ranks.astype(np.int64) - 1, 0, size - 1)]


def make_batches(distribution: str, rows: int, args: argparse.Namespace) -> list[tuple[Any, Any]]:
    """Pairs of ids `[B, F]` and labels `[B, 1]`."""
    rng = np.random.default_rng(args.seed)
    size = rows // FIELDS
    shape = (args.batches, args.batch_size)
    fields = [draw_ids(rng, distribution, shape, size) + f * size for f in range(FIELDS)]
    ids = np.stack(fields, axis=-1).astype("int32")
    labels = rng.integers(0, 2, (*shape, 1)).astype("float32")
    return [(tf.constant(x), tf.constant(y)) for x, y in zip(ids, labels, strict=True)]


def cpu_per_step(model: keras.Model, batches: Sequence[Any], steps: int) -> float:
    """Milliseconds of this process's CPU time, all threads, per step."""
    start = time.process_time()
    for step in range(steps):
        model.train_on_batch(*batches[step % len(batches)])
    return (time.process_time() - start) / steps * 1e3


def measure_group(
    group: dict[str, type[keras.optimizers.Optimizer]], batches: Any, args: argparse.Namespace
) -> Iterator[tuple[str, str, int, float]]:
    """Yields distribution, optimizer, rows and CPU milliseconds of every repetition."""
    models = {
        (name, rows): build_model(rows, optimizer(learning_rate=0.01))
        for name, optimizer in group.items()
        for rows in args.rows
    }
    for (_, rows), model in models.items():
        for distribution in DISTRIBUTIONS:
            cpu_per_step(model, batches[distribution, rows], steps=2)
    for _ in range(args.repetitions):
        for distribution in DISTRIBUTIONS:
            for (name, rows), model in models.items():
                # A step of Keras's takes up to forty of ours.
                steps = max(2, args.steps // 4) if name.startswith("Keras") else args.steps
                yield (
                    distribution,
                    name,
                    rows,
                    cpu_per_step(model, batches[distribution, rows], steps),
                )


def measure(args: argparse.Namespace) -> list[tuple[str, str, list[float], float]]:
    """Rows of the table: ids, optimizer, median ms at each size, Keras Adam of that group."""
    keras.utils.set_random_seed(args.seed)
    batches = {
        (distribution, rows): make_batches(distribution, rows, args)
        for distribution in DISTRIBUTIONS
        for rows in args.rows
    }
    results = []
    for group in GROUPS:
        figures: dict[tuple[str, str, int], list[float]] = defaultdict(list)
        for distribution, name, rows, milliseconds in measure_group(group, batches, args):
            figures[distribution, name, rows].append(milliseconds)
        medians = {key: statistics.median(values) for key, values in figures.items()}
        for distribution in DISTRIBUTIONS:
            adam = medians[distribution, "Keras Adam", args.rows[-1]]
            for name in group:
                sizes = [medians[distribution, name, rows] for rows in args.rows]
                results.append((distribution, name, sizes, adam))
    return sorted(results, key=lambda result: DISTRIBUTIONS.index(result[0]))


def format_report(results: Sequence[Any], args: argparse.Namespace) -> str:
    """The medians and their ratios as Markdown, with the machine they hold for."""
    small, middle, large = (f"{rows:,}" for rows in args.rows)
    lines = [
        "# CPU time of a training step",
        "",
        f"CPU milliseconds per step of {args.batch_size} rows, {FIELDS} fields, d={DIM}, "
        f"MLP {'-'.join(map(str, UNITS))}; median of {args.repetitions} interleaved repetitions. "
        "Keras Adam is measured again beside each pair.",
        "",
        f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}, "
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}, NumPy {np.__version__}; seed {args.seed}.",
        "",
        f"| ids | optimizer | {small} | {middle} | {large} | {large} / {middle} "
        f"| {large} / {small} | Keras Adam / this at {large} |",
        "|---|---|" + "---:|" * 6,
    ]
    for distribution, name, sizes, adam in results:
        cells = [f"{milliseconds:.1f}" for milliseconds in sizes]
        ratios = (sizes[2] / sizes[1], sizes[2] / sizes[0], adam / sizes[2])
        cells += [f"{ratio:.2f}" for ratio in ratios]
        lines.append(f"| {distribution} | {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny tables and batches")
    parser.add_argument("--record", action="store_true", help=f"also write {RESULT.name}")
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--steps", type=int, default=16, help="of ours in one repetition")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.rows = [1_000, 10_000, 100_000] if args.quick else [10_000, 1_000_000, 10_000_000]
    args.batch_size, args.batches = (128, 2) if args.quick else (4096, 8)
    if args.quick:
        args.repetitions, args.steps = 1, 4
    return args


def main() -> None:
    args = parse_arguments()
    report = format_report(measure(args), args)
    print(report)
    if args.record:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
