"""The rows/s of an exported signature without a server: `serving_load.py` runs it.

python benchmarks/serving_load_worker.py VERSION_FOLDER ROWS.parquet SIGNATURE ROWS SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import clocks
import polars as pl
import tensorflow as tf

from ctrmoe.data.encode import Encoder
from ctrmoe.export.manifest import read_manifest
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.scorer import ENCODER

DIFFERENT = 16


def calls(folder: Path, rows: pl.DataFrame, signature: str, size: int) -> list[dict[str, Any]]:
    """Returns inputs of the signature, `size` rows each."""
    schema, manifest = Encoder.load(folder / ENCODER).schema, read_manifest(folder)
    inputs = []
    for start in range(0, size * DIFFERENT, size):
        tensors = raw_tensors(rows[start : start + size], schema)
        if signature == "serve_candidates":
            shared = manifest["shared_columns"]
            tensors |= {name: tensors[name][:1] for name in shared}
        inputs.append(tensors)
    return inputs


def rate(
    function: Any, inputs: list[dict[str, Any]], size: int, threads: int, seconds: float
) -> float:
    """Returns the rows/s of so many calls at a time."""
    for tensors in inputs:
        function(**tensors)
    end = time.perf_counter() + seconds

    def call(number: int) -> int:
        count = 0
        while time.perf_counter() < end:
            answer = function(**inputs[(number + count) % len(inputs)])
            next(iter(answer.values())).numpy()
            count += 1
        return count

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        count = sum(pool.map(call, range(threads)))
    return count * size / (time.perf_counter() - start)


def main() -> None:
    folder, rows, signature, size, seconds = sys.argv[1:]
    inputs = calls(Path(folder), pl.read_parquet(rows), signature, int(size))
    loaded = tf.saved_model.load(folder)
    function = loaded.signatures[signature]
    figures = {
        f"{threads} at a time": rate(function, inputs, int(size), threads, float(seconds))
        for threads in (1, clocks.THREADS)
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
