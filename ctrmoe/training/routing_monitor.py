"""Watches the routers of a model while it trains."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ctrmoe.data.encoded import list_row_groups, read_encoded
from ctrmoe.data.packed import Encoded
from ctrmoe.metrics import RoutingFigures, mean_cosine
from ctrmoe.routing_trace import RoutingTrace, centre_findings
from ctrmoe.schema import Schema

MAX_ROWS, MAX_ROW_GROUPS = 4096, 8
MAX_LOADS = 64
"""Experts up to which each has a scalar of its own."""


class RoutingMonitor:
    """Figures of a model's routers on a few rows that lie evenly spread over an encoded part.

    The rows are read once and kept; a model without routers reads none.

    Args:
        model: The model, whose weights may change between the calls.
        part: The encoded part, such as `prepared/valid`.
        schema: The resolved schema beside it.
        rows: Most rows to look at.
    """

    def __init__(
        self, model: keras.Model, part: str | Path, schema: Schema, *, rows: int = MAX_ROWS
    ) -> None:
        self.part = part
        self.schema = schema
        self.rows = rows
        self._trace = RoutingTrace(model)

    def scalars(self) -> dict[str, float]:
        """Returns figures for TensorBoard by `<mixture>/<router>/<figure>`."""
        found = {
            f"{router}/{name}": float(value)
            for router, figures in self._figures().items()
            for name, value in self._of_router(figures).items()
        }
        for router, centres in self._trace.centres.items():
            found[f"{router}/centre_cosine"] = mean_cosine(centres)
        return found

    def warnings(self) -> list[str]:
        """Returns sentences for routers that have collapsed or that have dead experts."""
        centres = self._trace.centres
        found = []
        for router, figures in self._figures().items():
            own = centre_findings(centres[router]) if router in centres else []
            found += [f"{router}: {finding}" for finding in (*figures.findings(), *own)]
        return found

    def _of_router(self, figures: RoutingFigures) -> dict[str, float]:
        load = figures.load
        found = {
            "largest_load": load.max(),
            "smallest_load": load.min(),
            "dead_experts": len(figures.dead_experts),
            "gate_entropy": figures.gate_entropy,
            "probability_entropy": figures.probability_entropy,
        }
        if self.schema.domain:
            found["domain_information"] = figures.domain_information
            found["domain_share"] = figures.domain_share
        if len(load) <= MAX_LOADS:
            found |= {f"load/expert_{expert}": share for expert, share in enumerate(load)}
        return found

    def _figures(self) -> dict[str, RoutingFigures]:
        if not self._trace.routers:
            return {}
        domains = [part.domain for part in self._parts if part.domain is not None]
        num_domains = 1 + max((int(column.max()) for column in domains), default=0)
        return self._trace.figures([(part, part.domain) for part in self._parts], num_domains)

    @cached_property
    def _parts(self) -> list[Encoded]:
        groups = list_row_groups(self.part)
        chosen = [groups[index] for index in _evenly(len(groups), MAX_ROW_GROUPS)]
        share = min(1.0, self.rows / sum(group.rows for group in chosen))
        return [
            _take(encoded, _evenly(len(encoded.ids), int(share * len(encoded.ids)) or 1))
            for encoded, _ in read_encoded(self.part, self.schema, row_groups=chosen)
        ]


def _evenly(count: int, most: int) -> np.ndarray:
    """Up to `most` of `count` indices, as far apart from each other as they can be."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _take(encoded: Encoded, rows: np.ndarray) -> Encoded:
    columns: dict[str, Any] = {}
    for field in dataclasses.fields(Encoded):
        column = getattr(encoded, field.name)
        columns[field.name] = None if column is None else column[rows]
    return Encoded(**columns)
