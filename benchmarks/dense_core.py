"""The dense core: AutoInt in blocks of rows with and without XLA, and beside plain Keras.

First the CPU time of AutoInt alone, forward and forward with backward, for blocks × compiler and
two head sizes. Then a whole training step, lookup and optimizer included, beside the same model
as one would write it with Keras's own parts. Repetitions are interleaved.

    python benchmarks/dense_core.py            # about ten minutes and 3 GB
    python benchmarks/dense_core.py --quick    # a smoke run, its figures mean nothing
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from optimizer_step import draw_ids

from ctrmoe.layers import AutoInt, FeatureEmbedding, Field, RowBlocks, Tower
from ctrmoe.optimizers import LazyAdam

tf.get_logger().setLevel("ERROR")  # every measured function is traced once, not again

FIELDS, DIM, LAYERS, HEADS = 39, 16, 3, 2
FIRST_VALUE = 3
STEP_KEY_DIM = 32
RESULT = Path(__file__).parent / "results" / "dense_core.md"


class PlainAttention(keras.layers.Layer):
    """AutoInt's layer as its equations read: `[B, F, D]` to `[B, F, heads · key_dim]`."""

    def __init__(self, key_dim: int) -> None:
        super().__init__()
        self.key_dim = key_dim

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1], HEADS, self.key_dim)
        self.kernels = [self.add_weight(shape=shape) for _ in range(4)]

    def call(self, x: Any) -> Any:
        query, key, value, residual = (ops.einsum("bfd,dhk->bfhk", x, w) for w in self.kernels)
        attention = ops.softmax(ops.einsum("bfhk,bghk->bhfg", query, key))
        out = ops.einsum("bhfg,bghk->bfhk", attention, value) + residual
        return ops.relu(ops.reshape(out, (-1, FIELDS, HEADS * self.key_dim)))


def build_plain(vocabulary_size: int, *, jit_compile: bool) -> keras.Model:
    """One `Embedding` for each feature, einsum attention, Keras's Adam."""
    ids = keras.Input((FIELDS,), dtype="int32", name="ids")
    tables = [keras.layers.Embedding(vocabulary_size, DIM) for _ in range(FIELDS)]
    x = ops.stack([table(ids[:, f]) for f, table in enumerate(tables)], axis=1)
    for _ in range(LAYERS):
        x = PlainAttention(STEP_KEY_DIM)(x)
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(x))
    return compiled(keras.Model({"ids": ids}, logit[:, 0]), keras.optimizers.Adam(), jit_compile)


def build_ours(vocabulary_size: int) -> keras.Model:
    """The same model of the package's parts."""
    ids = keras.Input((FIELDS,), dtype="int32", name="ids")
    fields = [
        Field(name=f"feature_{f}", kind="categorical", vocabulary_size=vocabulary_size)
        for f in range(FIELDS)
    ]
    x = FeatureEmbedding(fields, DIM)({"ids": ids})
    x = RowBlocks(AutoInt(num_layers=LAYERS, num_heads=HEADS, key_dim=STEP_KEY_DIM))(x)
    return compiled(keras.Model({"ids": ids}, Tower()(x)), LazyAdam(), jit_compile=False)


def compiled(model: keras.Model, optimizer: Any, jit_compile: bool) -> keras.Model:
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    return model


def check_same_function(ours: keras.Model, plain: keras.Model, batch: Any) -> None:
    """Gives `plain` the weights of `ours` and compares the logits."""
    table, *kernels, weights, bias = (weight.numpy() for weight in ours.weights)
    tables = np.split(table, FIELDS)
    kernels = [kernel.reshape(-1, HEADS, STEP_KEY_DIM) for kernel in kernels]
    plain.set_weights([*tables, *kernels, weights, bias])
    np.testing.assert_allclose(ours(batch), plain(batch), rtol=1e-3, atol=1e-6)


def measure(runs: Mapping[Any, Callable[[], Any]], repetitions: int) -> dict[Any, float]:
    """Median CPU milliseconds of every run, all threads of the process."""
    times = defaultdict(list)
    for _ in range(2):
        for run in runs.values():
            run()
    for _ in range(repetitions):
        for name, run in runs.items():
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def core_runs(key_dim: int, args: argparse.Namespace) -> dict[Any, Callable[[], Any]]:
    """Forward and forward-and-backward of AutoInt for every block size and compiler."""
    x = tf.random.stateless_normal((args.batch_size, FIELDS, DIM), seed=(args.seed, 0))
    runs = {}
    for block_size in args.blocks:
        for compiler in ("none", "xla"):
            core = RowBlocks(
                AutoInt(num_layers=LAYERS, num_heads=HEADS, key_dim=key_dim),
                block_size=block_size,
                compile=compiler,
            )
            core.build(x.shape)
            for direction, run in (("forward", forward(core)), ("both", both(core))):
                runs[block_size, compiler, direction] = lambda run=run: run(x).numpy()
    return runs


def forward(core: keras.layers.Layer) -> Callable[[Any], Any]:
    return tf.function(lambda x: tf.reduce_sum(core(x)), autograph=False)


def both(core: keras.layers.Layer) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.square(core(x)))
        weights = [weight.value for weight in core.trainable_weights]
        return tf.add_n([tf.reduce_sum(g) for g in tape.gradient(total, [x, *weights])])

    return tf.function(run, autograph=False)


def step_runs(args: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """A training step of each model."""
    rng = np.random.default_rng(args.seed)
    size = args.rows // FIELDS
    shape = (args.batch_size,)
    # Values only: ours reads padding, id 0, as no token at all.
    columns = [
        FIRST_VALUE + draw_ids(rng, "zipf", shape, size - FIRST_VALUE) for _ in range(FIELDS)
    ]
    batch = {"ids": tf.constant(np.stack(columns, axis=-1), tf.int32)}
    labels = tf.constant(rng.integers(0, 2, args.batch_size), tf.float32)
    models = {
        "ours": build_ours(size),
        "plain Keras": build_plain(size, jit_compile=False),
        "plain Keras, jit_compile": build_plain(size, jit_compile=True),
    }
    check_same_function(models["ours"], models["plain Keras"], batch)
    return {
        name: lambda model=model: model.train_on_batch(batch, labels)
        for name, model in models.items()
    }


def format_report(
    cores: Mapping[int, Mapping[Any, float]], steps: Mapping[str, float], args: argparse.Namespace
) -> str:
    """The medians as Markdown, with the machine they hold for."""
    lines = [
        "# The dense core",
        "",
        f"{clocks.machine()}, {args.threads} threads, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__}; {FIELDS} fields, {LAYERS} layers, {HEADS} heads, d={DIM}, "
        f"batch {args.batch_size}; median of {args.repetitions} interleaved repetitions, "
        f"seed {args.seed}, load {os.getloadavg()[0]:.1f}.",
        "",
        "## AutoInt alone, CPU milliseconds",
        "",
        "| heads of | rows of a block | forward | forward + backward | XLA: forward "
        "| XLA: forward + backward |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for key_dim, figures in cores.items():
        for block_size in args.blocks:
            cells = [
                f"{figures[block_size, compiler, direction]:.0f}"
                for compiler in ("none", "xla")
                for direction in ("forward", "both")
            ]
            rows = block_size or "the batch"
            lines.append(f"| {key_dim} | {rows} | {' | '.join(cells)} |")
    best = min(value for name, value in steps.items() if name != "ours")
    lines += [
        "",
        f"## A training step, heads of {STEP_KEY_DIM}, tables of {args.rows:,} rows in all",
        "",
        "| model | CPU ms a step | rows per CPU second | to the best plain Keras |",
        "|---|---:|---:|---:|",
    ]
    for name, value in steps.items():
        rate = args.batch_size / value * 1e3
        lines.append(f"| {name} | {value:.0f} | {rate:,.0f} | {best / value:.2f} |")
    return "\n".join(lines) + "\n"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="tiny tables and batches")
    parser.add_argument("--record", action="store_true", help=f"also write {RESULT.name}")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--threads", type=int, default=clocks.THREADS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.batch_size, args.rows, args.blocks = 4096, 1_000_000, [0, 256, 512, 1024]
    if args.quick:
        args.batch_size, args.rows, args.blocks, args.repetitions = 64, 10_000, [0, 32], 1
    return args


def main() -> None:
    args = parse_arguments()
    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    keras.utils.set_random_seed(args.seed)
    steps = measure(step_runs(args), args.repetitions)
    cores = {
        key_dim: measure(core_runs(key_dim, args), args.repetitions)
        for key_dim in (8, STEP_KEY_DIM)
    }
    report = format_report(cores, steps, args)
    print(report)
    if args.record:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(report, encoding="utf-8")


if __name__ == "__main__":
    main()
