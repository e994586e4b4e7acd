"""Worker of `beside_deepctr.py`: the same model by `ctrmoe`'s train, export and score."""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import clocks
import keras
import numpy as np
import polars as pl
import tensorflow as tf
from ticks import Ticks

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.export import export
from ctrmoe.scorer import Scorer
from ctrmoe.scoring import score
from ctrmoe.training import train

HERE = Path(__file__).parent
WARM_UP = 8


def score_figures(model: Path, data: Path, out: Path) -> dict[str, float]:
    """Rows/s from parquet to parquet, and of the bare graph on tensors in memory."""
    with clocks.stopwatch() as loading:
        scorer = Scorer.load(model)
    frame = pl.read_parquet(data / "train" / "part-00000.parquet")
    batches = tensors(scorer, frame)
    call(scorer, batches[:WARM_UP])
    with clocks.stopwatch() as times:
        summary = score(scorer, [data / "train"], out, keep=["row_id"])
    with clocks.stopwatch() as alone:
        call(scorer, batches)
    with ThreadPoolExecutor(clocks.THREADS) as threads, clocks.stopwatch() as together:
        list(threads.map(lambda batch: call(scorer, [batch]), batches))
    rows = len(batches) * scorer.predictor.batch_sizes[-1]
    bare = max(rows / alone["wall"], rows / together["wall"])
    return {
        "score_rows_s": summary.rows / times["wall"],
        "score_rows_cpu_s": summary.rows / times["cpu"],
        "bare_rows_s": bare,
        "bare_rows_cpu_s": rows / min(alone["cpu"], together["cpu"]),
        "score_share_of_bare": summary.rows / times["wall"] / bare,
        "load_s": loading["wall"],
    }


def tensors(scorer: Scorer, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The frame's encoded rows as tensors of the batch size that scoring uses."""
    rows = pack(scorer.encoder.encode(frame))
    size = scorer.predictor.batch_sizes[-1]
    starts = range(0, len(frame) - size + 1, size)
    return [
        {name: tf.constant(matrix[start : start + size]) for name, matrix in rows.items()}
        for start in starts
    ]


def call(scorer: Scorer, batches: list[dict[str, Any]]) -> None:
    """Calls the exported graph batch after batch and reads its answers."""
    for batch in batches:
        for probability in scorer.predictor.graph(batch).values():
            np.asarray(probability)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--precision", required=True)
    args = parser.parse_args()
    overrides = [f"data.prepared={args.data / 'prepared'}", f"train.batch_size={args.batch_size}"]
    overrides.append(f"train.precision={args.precision}")
    clock = clocks.StepClock(args.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        config = Config.load(HERE / f"{args.model}_deepctr.toml", overrides)
        run = train(config, work / "run", callbacks=[Ticks(clock)])
        train_peak = clocks.peak_gb()
        scoring = score_figures(export(run, work / "model"), args.data, work / "scores")
        best = run.metrics["best"]
    figures = {
        **clock.figures(),
        "train_peak_gb": train_peak,
        "valid_auc": best["valid_auc"],
        **scoring,
    }
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    clocks.report(figures, versions)


if __name__ == "__main__":
    main()
