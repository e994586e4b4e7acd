"""CPU time of the forms of dispatch of a mixture, beside all experts by einsum.

Two-layer experts 128-256-128, float32, two threads; all forms in turns in one process, with the
same rows and choices.

    python benchmarks/dispatch.py                        # five minutes
    python benchmarks/dispatch.py --rows 256 --record    # writes these lines of results/dispatch.md

`auto` is one of the forms; beside its choice stands its time over that of the fastest.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clocks

os.environ.update(clocks.worker_environment())

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from ctrmoe.layers.dispatch import (  # noqa: E402
    METHODS,
    dispatch,
    fastest,
    gate_matrix,
    usual_block_size,
)
from ctrmoe.layers.experts import FeedForwardExperts  # noqa: E402

RESULT = Path(__file__).parent / "results" / "dispatch.md"
WIDTH, HIDDEN = 128, 256
ROWS, EXPERTS = (256, 1024, 4096), (4, 8, 32)
GRID = dict.fromkeys(
    (experts, choices)
    for experts in EXPERTS
    for choices in (1, 2, experts // 4, experts // 2, experts)
)
FORMS = ("einsum", *METHODS)


def einsum(x: Any, routing: Any, bank: FeedForwardExperts) -> Any:
    """What other packages do: every expert on every row, then the weighted sum."""
    first, second = (weight.value for weight in bank.kernels)
    hidden = tf.nn.relu(tf.einsum("td,edh->teh", x, first) + bank.biases[0].value)
    results = tf.einsum("teh,eho->teo", hidden, second) + bank.biases[1].value
    return tf.einsum("teo,te->to", results, gate_matrix(routing, bank.num_experts))


def forms(bank: FeedForwardExperts) -> dict[str, list[Callable[..., Any]]]:
    """Forward and training functions by form."""

    def functions(form: str) -> list[Callable[..., Any]]:
        def forward(x: Any, routing: Any, training: bool = False) -> Any:
            if form == "einsum":
                return einsum(x, routing, bank)
            return dispatch(x, [routing], bank, method=form, training=training)[0]

        def train(x: Any, routing: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(tf.square(forward(x, routing, training=True)))
            weights = [weight.value for weight in bank.trainable_weights]
            return tape.gradient(loss, [x, *weights])

        return [tf.function(forward), tf.function(train)]

    return {form: functions(form) for form in FORMS}


def measure(
    rows: int, experts: int, choices: int, repetitions: int
) -> tuple[dict[str, list[float]], list[str]]:
    """Median CPU milliseconds of forward and training by form, and what `auto` takes of them.

    Checks that all forms agree.
    """
    rng = np.random.default_rng(rows + experts + choices)
    x = tf.constant(rng.normal(size=(rows, WIDTH)).astype("float32"))
    index = np.argsort(rng.random((rows, experts)), axis=1)[:, :choices].astype("int32")
    gate = rng.dirichlet(np.ones(choices), rows).astype("float32")
    routing = {"index": tf.constant(index), "gate": tf.constant(gate)}
    bank = FeedForwardExperts(experts, [HIDDEN, WIDTH])
    bank.build((None, WIDTH))
    compiled = forms(bank)
    results = [forward(x, routing).numpy() for forward, _ in compiled.values()]
    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=1e-5)
    times: dict[str, list[list[float]]] = {form: [[], []] for form in FORMS}
    for repetition in range(repetitions + 1):
        for form, functions in compiled.items():
            for place, function in enumerate(functions):
                start = time.process_time()
                function(x, routing)
                if repetition:  # the first traces
                    times[form][place].append((time.process_time() - start) * 1e3)
    block_size = usual_block_size(rows, choices, experts)
    auto = [fastest(rows, [routing], bank, block_size, training) for training in (False, True)]
    return {form: [statistics.median(t) for t in pair] for form, pair in times.items()}, auto


def line(rows: int, experts: int, choices: int, repetitions: int) -> str:
    """One line of the table."""
    figures, auto = measure(rows, experts, choices, repetitions)
    cells = [f"{forward:.1f} / {train:.1f}" for forward, train in figures.values()]
    best = [min(figures[form][place] for form in METHODS) for place in (0, 1)]
    taken = [figures[form][place] for place, form in enumerate(auto)]
    cells.append(" / ".join(auto))
    cells.append(" / ".join(f"{t / b:.2f}" for t, b in zip(taken, best, strict=True)))
    cells.append(" / ".join(f"{e / t:.1f}" for e, t in zip(figures["einsum"], taken, strict=True)))
    return f"| {rows:,} | {experts} | {choices} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS), choices=ROWS)
    parser.add_argument("--experts", type=int, nargs="+", default=list(EXPERTS), choices=EXPERTS)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(clocks.THREADS)
    recorded = RESULT.read_text(encoding="utf-8").splitlines() if RESULT.exists() else []
    lines = []
    for rows, (experts, choices) in itertools.product(ROWS, GRID):
        if rows in args.rows and experts in args.experts:
            lines.append(line(rows, experts, choices, args.repetitions))
            print(lines[-1], flush=True)
        else:
            start = f"| {rows:,} | {experts} | {choices} |"
            lines += [text for text in recorded if text.startswith(start)]
    text = "\n".join(
        [
            "# Dispatch",
            "",
            f"`python benchmarks/dispatch.py --repetitions {args.repetitions} --record`, in "
            f"several runs, {clocks.machine()}, {clocks.THREADS} threads, TensorFlow "
            f"{tf.__version__}, Keras {keras.__version__}. CPU milliseconds, forward / forward and "
            f"backward, median of {args.repetitions} in turns.",
            "",
            f"| rows | experts | chosen | {' | '.join(FORMS)} | auto | auto / best | "
            "einsum / auto |",
            "|" + "---:|" * (6 + len(FORMS)),
            *lines,
        ]
    )
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
