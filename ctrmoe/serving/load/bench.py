"""Measures a served model, or two of them in turns, at several sizes and signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.load.bodies import read_signatures, request_bodies
from ctrmoe.serving.load.generator import Load, generate
from ctrmoe.serving.load.senders import connector
from ctrmoe.serving.load.target import Target

WARM_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchOptions:
    """What is measured.

    Args:
        signatures: Each of them.
        batch_sizes: Rows, or candidates, of a request; each of them.
        candidates: Columns that vary by candidate, for `serve_candidates`.
        load: How requests come.
        access: The client's keys and the deadline of a request.
    """

    signatures: Sequence[str] = ("serving_default",)
    batch_sizes: Sequence[int] = (1, 32, 200)
    candidates: Sequence[str] = ()
    load: Load = field(default_factory=Load)
    access: ClientOptions = field(default_factory=ClientOptions)

    def __post_init__(self) -> None:
        for name in ("signatures", "batch_sizes"):
            if not getattr(self, name):
                raise ConfigError(f"`{name}` must name at least one. Received: none.")


def bench_serving(
    targets: Sequence[Target],
    rows: pl.DataFrame,
    options: BenchOptions,
    tell: Callable[[dict[str, Any]], None] = lambda figures: None,
) -> list[dict[str, Any]]:
    """Measures every signature at every size on every target, the targets in turns.

    Args:
        targets: One, or two to compare.
        rows: Raw rows that requests are made of.
        options: What is measured.
        tell: Called with the figures of each load when it is over.

    Returns:
        The figures of each load, with its `target`, `signature` and `batch_size`.

    Raises:
        ConfigError: If a server does not answer, or lacks a signature.
    """
    names = list(options.signatures)
    known = {target: read_signatures(target, options.access, names) for target in targets}
    measured = []
    for name in names:
        for size in options.batch_sizes:
            for target in targets:
                signature = known[target][name]
                bodies = request_bodies(
                    target, options.access, signature, rows, size, options.candidates
                )
                connect = connector(target, options.access)
                warm = replace(options.load, seconds=min(WARM_SECONDS, options.load.seconds))
                generate(connect, bodies, size, warm)
                outcome = generate(connect, bodies, size, options.load)
                cell = {"target": target.text, "signature": name, "batch_size": size}
                measured.append(cell | outcome.figures())
                tell(measured[-1])
    return measured
