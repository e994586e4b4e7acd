"""Worker of `beside_deepctr.py`: the same model by `ctrmoe`'s train, export and score."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import clocks
import keras
import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.export import export
from ctrmoe.scorer import Scorer
from ctrmoe.scoring import score
from ctrmoe.training import train

CONFIG = Path(__file__).parent / "autoint_deepctr.toml"


class Ticks(keras.callbacks.Callback):
    """Notes the start of every step."""

    def __init__(self, clock: clocks.StepClock) -> None:
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.clock.tick()


def score_figures(model: Path, data: Path, out: Path) -> dict[str, float]:
    """Rows/s from parquet to parquet, and of the bare graph on tensors in memory."""
    with clocks.stopwatch() as loading:
        scorer = Scorer.load(model)
    frame = pl.read_parquet(data / "train" / "part-00000.parquet")
    scorer(scorer.encoder.encode(frame.head(2 * max(scorer.predictor.batch_sizes))))
    with clocks.stopwatch() as times:
        summary = score(scorer, [data / "train"], out, keep=["row_id"])
    bare = bare_rows_s(scorer, frame)
    rate = summary.rows / times["wall"]
    return {
        "score_rows_s": rate,
        "score_rows_cpu_s": summary.rows / times["cpu"],
        "load_s": loading["wall"],
        "bare_rows_s": bare,
        "score_share_of_bare": rate / bare,
    }


def bare_rows_s(scorer: Scorer, frame: pl.DataFrame) -> float:
    """Rows/s of the exported graph, call after call on tensors made beforehand."""
    rows = pack(scorer.encoder.encode(frame))
    size = max(scorer.predictor.batch_sizes)
    count = len(next(iter(rows.values()))) // size
    batches = [
        {name: tf.constant(matrix[i * size : (i + 1) * size]) for name, matrix in rows.items()}
        for i in range(count)
    ]
    start = time.perf_counter()
    for batch in batches:
        for probability in scorer.predictor.graph(batch).values():
            np.asarray(probability)
    return count * size / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--batch-size", type=int, required=True)
    args = parser.parse_args()
    overrides = [f"data.prepared={args.data / 'prepared'}", f"train.batch_size={args.batch_size}"]
    clock = clocks.StepClock(args.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        run = train(Config.load(CONFIG, overrides), work / "run", callbacks=[Ticks(clock)])
        scoring = score_figures(export(run, work / "model"), args.data, work / "scores")
        best = run.metrics["best"]
    figures = {**clock.figures(), "valid_auc": best["valid_auc"], **scoring}
    clocks.report(figures, "tensorflow", "keras")


if __name__ == "__main__":
    main()
