"""Worker of `leaderboard.py`: a final run and its test figures, or the speed of a finished one."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import clocks
import keras
import numpy as np
import polars as pl
from ticks import Ticks

from ctrmoe.config import Config
from ctrmoe.data.encoded import read_encoded
from ctrmoe.evaluation import evaluate
from ctrmoe.prediction import Predictor, reads_domain
from ctrmoe.run import Run
from ctrmoe.training import compile_model, train, training_feed

TIMED_STEPS = 40
SCORED_SECONDS = 3.0


def final_run(config: Config, out: Path, test: Path) -> dict[str, Any]:
    """Trains a run, or ends it, and reads the test part once."""
    run = train(config, out, resume=True)
    result = evaluate(run, [test]).result()
    metrics = run.metrics
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    return {
        "tasks": result["tasks"],
        "domains": result["domains"],
        "valid": metrics["best"],
        "best_epoch": metrics["best_epoch"],
        "epochs": metrics["epochs"],
        "parameters": metrics["parameters"],
        "seconds": metrics["seconds"],
        "peak_mb": peak_mb(),
        "machine": clocks.machine(),
        **{key: manifest[key] for key in ("packages", "git_sha", "data")},
    }


def speeds(run: Run) -> dict[str, float]:
    """Rows/s of training, loader included, and of predicting encoded rows in memory."""
    config, prepared = run.config, Path(run.config.data.prepared)
    model = run.build_model()
    feed = training_feed(run.config, prepared, run.schema, reads_domain=reads_domain(model))
    compile_model(model, config, run.schema, steps=feed.steps_per_epoch)
    clock = clocks.StepClock(config.train.batch_size)
    steps = min(TIMED_STEPS, feed.steps_per_epoch)
    model.fit(feed.dataset(0, steps), shuffle=False, verbose=0, callbacks=[Ticks(clock)])
    figures = clock.figures()
    return {
        "train_rows_s": figures["train_rows_s"],
        "train_rows_cpu_s": figures["train_rows_cpu_s"],
        "score_rows_s": score_rows_s(run, prepared),
        "load": os.getloadavg()[0],
    }


def score_rows_s(run: Run, prepared: Path) -> float:
    """Rows/s of the whole test part, again and again."""
    predictor = Predictor.of_model(run.model, run.tasks)
    parts = [encoded for encoded, _ in read_encoded(prepared / "test", run.schema)]
    for encoded in parts:
        predictor(encoded)
    start, rows = time.perf_counter(), 0
    while time.perf_counter() - start < SCORED_SECONDS:
        for encoded in parts:
            rows += len(next(iter(predictor(encoded).values())))
    return rows / (time.perf_counter() - start)


def peak_mb() -> float:
    """The largest resident memory of this process so far."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--config", type=Path, help="trains it; without, a finished run is timed")
    parser.add_argument("--test", type=Path, help="the raw test part")
    args = parser.parse_args()
    figures: dict[str, Any] = (
        speeds(Run(args.run))
        if not args.config
        else final_run(Config.load(args.config), args.run, args.test)
    )
    clocks.report(
        figures, {"Keras": keras.__version__, "NumPy": np.__version__, "polars": pl.__version__}
    )


if __name__ == "__main__":
    main()
