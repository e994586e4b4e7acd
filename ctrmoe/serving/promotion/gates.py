"""What a version must show before it gets a label."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from ctrmoe.config import ConfigError
from ctrmoe.export.golden import read_golden
from ctrmoe.export.manifest import read_manifest
from ctrmoe.serving.promotion.server_control import ServerControl

WARM_REQUESTS = 5


def check_golden(server: ServerControl, folder: Path, tolerance: float) -> str:
    """Asks the golden requests of a version; returns what was seen.

    Raises:
        ConfigError: If an answer differs from the noted one by more than `tolerance`.
    """
    model, version = folder.parent.name, int(folder.name)
    definitions, worst = server.signatures(model, version), 0.0
    requests = read_golden(folder)
    for golden in requests:
        arrays = golden.arrays(definitions[golden.signature])
        difference = golden.difference(server.predict(model, version, golden.signature, arrays))
        if not difference <= tolerance:
            raise ConfigError(
                f"The golden requests of {model} {version} must be answered to {tolerance}. "
                f"Received: a difference of {difference:.3g} in {golden.signature}."
            )
        worst = max(worst, difference)
    return f"{len(requests)} golden requests answered to {worst:.1g}"


def check_latency(
    server: ServerControl, new: Path, old: Path, max_slowdown: float, count: int
) -> str:
    """Compares the latency of two versions, in turns; returns what was seen.

    Args:
        server: Has both.
        new: Version folder of the one that wants the label.
        old: Version folder of the one that has it.
        max_slowdown: Most times the old version's median.
        count: Requests of each.

    Raises:
        ConfigError: If the new one is slower than that.
    """
    slow, fast = _clock(server, new), _clock(server, old)
    for _ in range(WARM_REQUESTS):
        next(slow), next(fast)
    pairs = [(next(slow), next(fast)) for _ in range(count)]
    medians = [statistics.median(times) for times in zip(*pairs, strict=True)]
    said = f"median latency {medians[0] * 1e3:.1f} ms, {medians[1] * 1e3:.1f} ms before"
    if medians[0] > max_slowdown * medians[1]:
        raise ConfigError(
            f"{new.parent.name} {new.name} must take at most {max_slowdown} times as long as "
            f"{old.name}. Received: {said}."
        )
    return said


def _clock(server: ServerControl, folder: Path) -> Iterator[float]:
    """Yields the seconds of requests, the first golden one of the version each time."""
    model, version, golden = folder.parent.name, int(folder.name), read_golden(folder)[0]
    arrays = golden.arrays(server.signatures(model, version)[golden.signature])
    while True:
        start = time.perf_counter()
        server.predict(model, version, golden.signature, arrays)
        yield time.perf_counter() - start


def check_validation(new: Path, old: Path, max_increase: float) -> str:
    """Compares the validation logloss of two versions, which bad calibration raises.

    Raises:
        ConfigError: If a task's is higher by more than the share `max_increase`.
    """
    before, after = _logloss(old), _logloss(new)
    for name in sorted(set(before) & set(after)):
        if after[name] > before[name] * (1 + max_increase):
            raise ConfigError(
                f"{name} of {new.parent.name} {new.name} must be at most {max_increase:.0%} above "
                f"that of {old.name}. Received: {after[name]:.5f}, {before[name]:.5f} before."
            )
    figures = [
        f"{name} {after[name]:.5f}, {before[name]:.5f} before" for name in after if name in before
    ]
    return "; ".join(figures) or "no validation logloss of both versions"


def _logloss(folder: Path) -> dict[str, float]:
    best = read_manifest(folder).get("metrics", {}).get("best", {})
    names = (name for name in best if name.startswith("valid_") and name.endswith("_logloss"))
    return {name: best[name] for name in names if best[name] is not None}
