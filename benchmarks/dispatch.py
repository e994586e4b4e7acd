"""CPU time of the forms of dispatch of a mixture, beside all experts by einsum.

Two-layer experts 128-256-128, float32, two threads; all forms in turns in one process, with the
same rows and choices.

    python benchmarks/dispatch.py             # two minutes
    python benchmarks/dispatch.py --record    # writes results/dispatch.md
"""

from __future__ import annotations

import argparse
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

from ctrmoe.layers.dispatch import dispatch, gate_matrix  # noqa: E402
from ctrmoe.layers.experts import FeedForwardExperts  # noqa: E402

RESULT = Path(__file__).parent / "results" / "dispatch.md"
WIDTH, HIDDEN = 128, 256
GRID = [
    (rows, experts, choices)
    for rows in (256, 4096)
    for experts in (4, 8, 32)
    for choices in (1, 2, experts // 2, experts)
    if choices <= experts
]
FORMS = ("einsum", "dense", "fused", "blocked", "auto")


def einsum(x: Any, routing: Any, bank: FeedForwardExperts) -> Any:
    """What other packages do: every expert on every row, then the weighted sum."""
    first, second = (weight.value for weight in bank.kernels)
    hidden = tf.nn.relu(tf.einsum("td,edh->teh", x, first) + bank.biases[0].value)
    results = tf.einsum("teh,eho->teo", hidden, second) + bank.biases[1].value
    return tf.einsum("teo,te->to", results, gate_matrix(routing, bank.num_experts))


def forms(bank: FeedForwardExperts) -> dict[str, list[Callable[..., Any]]]:
    """Forward and training functions by form."""

    def functions(form: str) -> list[Callable[..., Any]]:
        def forward(x: Any, routing: Any) -> Any:
            if form == "einsum":
                return einsum(x, routing, bank)
            return dispatch(x, [routing], bank, method=form)[0]

        def train(x: Any, routing: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                loss = tf.reduce_sum(tf.square(forward(x, routing)))
            weights = [weight.value for weight in bank.trainable_weights]
            return tape.gradient(loss, [x, *weights])

        return [tf.function(forward), tf.function(train)]

    return {form: functions(form) for form in FORMS}


def measure(rows: int, experts: int, choices: int, repetitions: int) -> dict[str, list[float]]:
    """Median CPU milliseconds of forward and training by form; checks that all agree."""
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
    return {form: [statistics.median(t) for t in pair] for form, pair in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(clocks.THREADS)
    lines = []
    for rows, experts, choices in dict.fromkeys(GRID):
        figures = measure(rows, experts, choices, args.repetitions)
        cells = [f"{forward:.1f} / {train:.1f}" for forward, train in figures.values()]
        forward, train = (figures["einsum"][i] / figures["auto"][i] for i in (0, 1))
        lines.append(
            f"| {rows:,} | {experts} | {choices} | {' | '.join(cells)} | "
            f"{forward:.1f} / {train:.1f} |"
        )
        print(lines[-1], flush=True)
    text = "\n".join(
        [
            "# Dispatch",
            "",
            f"`python benchmarks/dispatch.py --repetitions {args.repetitions} --record`, "
            f"{clocks.machine()}, {clocks.THREADS} threads, TensorFlow {tf.__version__}, Keras "
            f"{keras.__version__}, load {os.getloadavg()[0]:.1f}. CPU milliseconds, forward / "
            f"forward and backward, median of {args.repetitions} in turns.",
            "",
            f"| rows | experts | chosen | {' | '.join(FORMS)} | einsum / auto |",
            "|---:" * (4 + len(FORMS)) + "|",
            *lines,
        ]
    )
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
