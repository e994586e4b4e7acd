"""What the benchmarks share: clocks, the machine in words, and a worker's way to report."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 2
SKIPPED_STEPS = 5


def worker_environment(threads: int = THREADS) -> dict[str, str]:
    """The environment of a worker process: so many threads everywhere, no spinning, no GPU."""
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    return {
        **os.environ,
        **{f"{pool}_NUM_THREADS": str(threads) for pool in pools},
        "POLARS_MAX_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_NUM_INTEROP_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
    }


class StepClock:
    """Wall and CPU time at the start of every training step."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def tick(self) -> None:
        """Notes the start of a step."""
        self.wall.append(time.perf_counter())
        self.cpu.append(time.process_time())

    def figures(self, skipped: int = SKIPPED_STEPS) -> dict[str, float]:
        """Rows/s by the median gap between steps and rows per CPU second, first steps left out."""
        wall, cpu = (np.diff(times)[skipped - 1 :] for times in (self.wall, self.cpu))
        return {
            "train_rows_s": self.batch_size / float(np.median(wall)),
            "train_rows_cpu_s": self.batch_size / float(np.mean(cpu)),
            "step_ms": float(np.median(wall)) * 1e3,
            "step_cpu_ms": float(np.mean(cpu)) * 1e3,
        }


@contextmanager
def stopwatch() -> Iterator[dict[str, float]]:
    """Gives a dict that holds `wall` and `cpu` seconds after the block."""
    times: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield times
    times |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def report(figures: dict[str, Any], versions: dict[str, str]) -> None:
    """Prints a worker's figures as the last line of its output."""
    figures |= {"peak_gb": peak_gb(), "load": os.getloadavg()[0], "versions": versions}
    print(json.dumps(figures), flush=True)


def peak_gb() -> float:
    """The most memory that this process has held, in GB."""
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 2**20


def machine() -> str:
    """Processor, cores and Python in a line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [
            line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0].split(":")[1].strip() if models else name
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"
