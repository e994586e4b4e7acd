"""Sends requests from several threads: at a rate of arrivals, or one after the other in each."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from ctrmoe.config import ConfigError
from ctrmoe.serving.load.outcome import Outcome, Sample
from ctrmoe.serving.load.senders import Sender


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How requests come.

    Args:
        seconds: How long new ones come.
        concurrency: Requests that may be under way. Without a rate, each of so many users sends
            the next request when the one before is answered.
        rate: Requests a second that arrive whether or not the ones before were answered, as they
            do from many users; their latency counts from when they were due, so that a server
            that stands still is seen by all who would have asked meanwhile.
        seed: Of the arrivals, which have exponential gaps.
    """

    seconds: float = 10.0
    concurrency: int = 16
    rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("seconds", "concurrency", "rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigError(f"`{name}` must be positive. Received: {value}.")
        if self.seed < 0:
            raise ConfigError(f"`seed` must not be negative. Received: {self.seed}.")


def generate(
    connect: Callable[[], Sender], bodies: Sequence[bytes], rows: int, load: Load
) -> Outcome:
    """Sends requests until the time is over and all are answered.

    Args:
        connect: Opens a connection; called in each thread.
        bodies: The requests, sent in turns.
        rows: Of each.
        load: How they come.
    """
    arrivals = _arrivals(load)
    begun: list[float] = []
    samples: list[Sample] = []
    ready = threading.Barrier(load.concurrency, lambda: begun.append(time.perf_counter()))
    taken = itertools.count()

    def work() -> None:
        mine = []
        with closing(connect()) as send:
            ready.wait()
            for index in taken:  # the next one that no other thread has taken
                due = due_of(index)
                if due is None:
                    break
                time.sleep(max(0.0, begun[0] + due - time.perf_counter()))
                code = send(bodies[index % len(bodies)])
                mine.append(Sample(due, time.perf_counter() - begun[0], code))
        samples.extend(mine)

    def due_of(index: int) -> float | None:
        """The second at which a request is to be sent, None where the time is over."""
        if arrivals is None:
            now = time.perf_counter() - begun[0]
            return now if now < load.seconds else None
        return float(arrivals[index]) if index < len(arrivals) else None

    threads = [threading.Thread(target=work, daemon=True) for _ in range(load.concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = max((sample.end for sample in samples), default=load.seconds)
    return Outcome(samples, rows, seconds)


def _arrivals(load: Load) -> np.ndarray | None:
    """The seconds at which requests arrive, or None where each waits for the one before."""
    if load.rate is None:
        return None
    random = np.random.default_rng(load.seed)
    # More gaps than can fit: ten standard deviations above the mean.
    count = int(load.rate * load.seconds + 10 * np.sqrt(load.rate * load.seconds) + 10)
    times = np.cumsum(random.exponential(1 / load.rate, count))
    return times[times < load.seconds]
