"""Worker of `score_at_size.py`: scores in a process of its own, beside the bare graph."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import clocks
import numpy as np
import polars as pl
import psutil
import pyarrow as pa
import tensorflow as tf

from ctrmoe.data.dataset import pack
from ctrmoe.data.encode import raw_columns
from ctrmoe.data.parquet import read_chunks
from ctrmoe.data.sources import find_files
from ctrmoe.scorer import Scorer
from ctrmoe.scoring import score

BARE_ROWS = 131_072
BARE_SECONDS = 4.0


def bare_batches(scorer: Scorer, raw: Path) -> list[dict[str, Any]]:
    """The first rows, encoded and packed, as tensors of the batch size that scoring uses."""
    schema, size = scorer.encoder.schema, scorer.predictor.batch_sizes[-1]
    frame = next(read_chunks(find_files([raw])[0], raw_columns(schema), schema, BARE_ROWS))
    rows = pack(scorer.encoder.encode(frame), scorer.predictor.reads_domain)
    starts = range(0, len(frame) - size + 1, size)
    return [{n: tf.constant(m[start : start + size]) for n, m in rows.items()} for start in starts]


def bare_rates(scorer: Scorer, batches: list[dict[str, Any]]) -> tuple[float, float]:
    """Rows/s and rows per CPU second of the exported graph on ready batches.

    Those of the faster of one caller and one a core.
    """
    size = scorer.predictor.batch_sizes[-1]

    def call(batch: dict[str, Any]) -> None:
        for probability in scorer.predictor.graph(batch).values():
            np.asarray(probability)

    rates = []
    for callers in (1, clocks.THREADS):
        with ThreadPoolExecutor(callers) as threads:
            rows, start = 0, time.perf_counter()
            with clocks.stopwatch() as times:
                while time.perf_counter() - start < BARE_SECONDS / 2:
                    list(threads.map(call, batches))
                    rows += len(batches) * size
            rates.append((rows / times["wall"], rows / times["cpu"]))
    return max(rates)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--keep", required=True)
    args = parser.parse_args()
    scorer = Scorer.load(args.model)
    batches = bare_batches(scorer, args.raw)
    bare_rates(scorer, batches)  # warm
    model_gb = psutil.Process().memory_info().rss / 2**30
    before = bare_rates(scorer, batches)
    with clocks.stopwatch() as times:
        summary = score(scorer, [args.raw], args.out, keep=args.keep.split(","))
    peak_gb = clocks.peak_gb()
    after = bare_rates(scorer, batches)
    figures = {
        "rows": summary.rows,
        "files": summary.files,
        "seconds": times["wall"],
        "score_rows_s": summary.rows / times["wall"],
        "score_rows_cpu_s": summary.rows / times["cpu"],
        "bare_rows_s": (before[0] + after[0]) / 2,
        "bare_rows_cpu_s": (before[1] + after[1]) / 2,
        "model_gb": model_gb,
        "scoring_peak_gb": peak_gb,
    }
    # Of the modules: TensorFlow is distributed under several names.
    clocks.report(figures, {module.__name__: module.__version__ for module in (tf, pl, pa)})


if __name__ == "__main__":
    main()
