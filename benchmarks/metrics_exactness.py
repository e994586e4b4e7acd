"""AUC at a click rate of 0.1 %: ours, scikit-learn's and Keras's; CPU time of 10 million rows.

Labels are drawn from the sigmoid of normal logits. Keras's default AUC counts over 200 thresholds
of the probability, of which nearly all lie above every probability of so rare a click.

    python benchmarks/metrics_exactness.py            # a minute and 3 GB
    python benchmarks/metrics_exactness.py --quick    # a smoke run, figures without meaning
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from ctrmoe import metrics

RESULT = Path(__file__).parent / "results" / "metrics_exactness.md"
BATCH = 8192


def draw(seed: int, rows: int, deviation: float, rate: float) -> tuple[Any, Any]:
    """Labels and float32 logits; the mean of the logits gives the rate."""
    rng = np.random.default_rng(seed)
    noise = deviation * rng.standard_normal(rows)
    low, high = -30.0, 10.0
    for _ in range(50):
        mean = (low + high) / 2
        low, high = (mean, high) if sigmoid(noise + mean).mean() < rate else (low, mean)
    logits = (noise + mean).astype(np.float32)
    return rng.random(rows) < sigmoid(logits), logits


def sigmoid(logits: Any) -> Any:
    return 1 / (1 + np.exp(-logits))


def keras_auc(labels: Any, probabilities: Any) -> float:
    metric = keras.metrics.AUC()
    for start in range(0, labels.size, BATCH):
        metric.update_state(labels[start : start + BATCH], probabilities[start : start + BATCH])
    return float(metric.result())


def exactness(rows: int) -> str:
    lines = [
        "| deviation of the logits | clicks | ours | ours − scikit-learn | Keras − scikit-learn "
        "| 95 % interval of the AUC |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for seed, deviation in enumerate((0.5, 1.0, 1.5, 2.0)):
        labels, logits = draw(seed, rows, deviation, rate=0.001)
        ours, exact = metrics.auc(labels, logits), roc_auc_score(labels, logits)
        approximate = keras_auc(labels, sigmoid(logits))
        low, high = metrics.auc_interval(labels, logits) or (np.nan, np.nan)
        lines.append(
            f"| {deviation} | {labels.sum():,} | {ours:.6f} | {ours - exact:+.1e} "
            f"| {approximate - exact:+.4f} | {low:.4f} – {high:.4f} |"
        )
    return "\n".join(lines)


def evaluate(labels: Any, logits: Any, domains: Any, groups: Any) -> dict[str, Any]:
    evaluator = metrics.Evaluator(["click"])
    for start in range(0, labels.size, BATCH):
        rows = slice(start, start + BATCH)
        evaluator.update(
            {"click": labels[rows]}, {"click": logits[rows]}, domains[rows], groups[rows]
        )
    return evaluator.result()


def speed(rows: int) -> str:
    labels, logits = draw(9, rows, 1.0, rate=0.05)
    rng = np.random.default_rng(10)
    groups, domains = rng.integers(0, rows // 10, rows), rng.integers(0, 100, rows)
    probabilities = sigmoid(logits)
    calls: dict[str, Callable[[], Any]] = {
        "`auc`": lambda: metrics.auc(labels, logits),
        "scikit-learn `roc_auc_score`": lambda: roc_auc_score(labels, logits),
        f"Keras `AUC`, batches of {BATCH}": lambda: keras_auc(labels, probabilities),
        "`auc_interval`": lambda: metrics.auc_interval(labels, logits),
        f"`gauc`, {rows // 10:,} groups": lambda: metrics.gauc(labels, logits, groups),
        "`logloss`": lambda: metrics.logloss(labels, logits),
        "`expected_calibration_error`": lambda: metrics.expected_calibration_error(labels, logits),
        f"`Evaluator`, all figures, 100 domains, batches of {BATCH}": lambda: evaluate(
            labels, logits, domains, groups
        ),
    }
    lines = [f"| figure | CPU seconds, {rows:,} rows |", "|---|---:|"]
    for name, call in calls.items():
        start = time.process_time()
        call()
        lines.append(f"| {name} | {time.process_time() - start:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick

    few, many = (50_000, 100_000) if quick else (1_000_000, 10_000_000)
    text = (
        f"# Exactness and speed of the metrics\n\n`python benchmarks/metrics_exactness.py`, "
        f"{os.cpu_count()} cores, {platform.machine()}, NumPy {np.__version__}, "
        f"Keras {keras.__version__}.\n\n{few:,} rows at a click rate of 0.1 %:\n\n"
        f"{exactness(few)}\n\nOne run each, all threads, at a click rate of 5 %:\n\n{speed(many)}\n"
    )
    print(text)
    if not quick:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
