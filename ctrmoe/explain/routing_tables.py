"""Figures of routers as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ctrmoe.metrics import RoutingFigures, cosines

Figures = Mapping[str, RoutingFigures]

LOAD = {
    "router": pl.String,
    "expert": pl.Int32,
    "domain": pl.String,
    "rows": pl.Int64,
    "load": pl.Float64,
    "choices": pl.Float64,
}
PAIR = {"router": pl.String, "expert": pl.Int32, "other": pl.Int32}


def summary_table(figures: Figures) -> pl.DataFrame:
    """Returns a row for each router."""
    return pl.DataFrame([_summary(name, own) for name, own in figures.items()])


def load_table(figures: Figures, domains: Sequence[str]) -> pl.DataFrame:
    """Returns a row for each expert, over all rows (no domain) and in each of `domains`."""
    parts = [pl.DataFrame(schema=LOAD)]
    for name, own in figures.items():
        parts.append(_loads(name, None, own.rows, own.load, own.choices))
        by_domain = zip(own.rows_by_domain, own.load_by_domain, own.choices_by_domain, strict=True)
        for domain, (rows, load, choices) in zip(domains, by_domain, strict=False):
            parts.append(_loads(name, domain, int(rows), load, choices))
    return pl.concat(parts)


def coactivation_table(figures: Figures) -> pl.DataFrame:
    """Returns a row for each pair of experts of routers that choose several."""
    parts = [pl.DataFrame(schema={**PAIR, "together": pl.Float64, "overlap": pl.Float64})]
    for name, own in figures.items():
        if own.experts_per_row > 1:
            values = {"together": own.coactivation, "overlap": own.overlap}
            parts.append(_pairs(name, values))
    return pl.concat(parts)


def centres_table(centres: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """Returns the cosine between each two centres, `[K, H]`, of each router."""
    parts = [pl.DataFrame(schema={**PAIR, "cosine": pl.Float64})]
    parts += [_pairs(name, {"cosine": cosines(vectors)}) for name, vectors in centres.items()]
    return pl.concat(parts)


def _summary(name: str, own: RoutingFigures) -> dict[str, str | int | float]:
    domains = int((own.rows_by_domain > 0).sum())
    chance = (domains - 1) * (own.num_experts - 1) / (2 * max(own.rows, 1) * math.log(2))
    return {
        "router": name,
        "rows": own.rows,
        "experts": own.num_experts,
        "experts_per_row": own.experts_per_row,
        "smallest_load": float(own.load.min()),
        "largest_load": float(own.load.max()),
        "dead_experts": len(own.dead_experts),
        "gate_entropy": own.gate_entropy,
        "probability_entropy": own.probability_entropy,
        "domain_information_bits": own.domain_information,
        "domain_information_share": own.domain_share,
        "domain_information_by_chance": chance,
    }


def _loads(
    name: str, domain: str | None, rows: int, load: np.ndarray, choices: np.ndarray
) -> pl.DataFrame:
    experts = range(len(load))
    columns = {"load": load, "choices": choices, "expert": experts}
    constants = {"router": name, "domain": domain, "rows": rows}
    frame = pl.DataFrame(columns).with_columns(
        pl.lit(value, LOAD[column]).alias(column) for column, value in constants.items()
    )
    return frame.select(pl.col(column).cast(dtype) for column, dtype in LOAD.items())


def _pairs(name: str, values: Mapping[str, np.ndarray]) -> pl.DataFrame:
    expert, other = np.indices(next(iter(values.values())).shape, np.int32)
    columns = {"expert": expert.ravel(), "other": other.ravel()}
    columns |= {column: matrix.ravel() for column, matrix in values.items()}
    return pl.DataFrame(columns).select(pl.lit(name).alias("router"), *columns)
