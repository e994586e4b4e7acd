"""An order of features in which each adds to those before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

Pair = frozenset[str]
AGGREGATES: dict[str, Callable[..., np.ndarray]] = {
    "mean": np.mean,
    "median": np.median,
    "sum": np.sum,
}


def three_mr(
    relevance: Mapping[str, float],
    redundancy: Mapping[Pair, float],
    relation: Mapping[Pair, float],
    alpha: float = 1.0,
    beta: float = 1.0,
    aggregate: Literal["mean", "median", "sum"] = "median",
) -> pl.DataFrame:
    """Orders features by relevance, less redundancy, plus relation.

    The first is the most relevant one; then always the one with the largest

        rel(f) - α · median_{s ∈ S} red(f, s) + β · median_{s ∈ S} relat(f, s)

    over the chosen features S. Each of the three is scaled to lie between 0 and 1; a pair without
    a value counts 0, ties go by name.

    Args:
        relevance: rel, what each feature tells about the label.
        redundancy: red, of pairs.
        relation: relat, what a pair tells about the label.
        alpha: α.
        beta: β.
        aggregate: What is taken over the chosen features.

    Returns:
        `feature`, `three_mr_rank`, and what decided: `relevance`, `redundancy`, `relation`.

    Reference:
        OutRank 0.97.5, `rank_features_3MR`, whose command does not reach it; Peng, Long, Ding,
        2005, "Feature selection based on mutual information: criteria of max-dependency,
        max-relevance, and min-redundancy", IEEE TPAMI 27.
    """
    names = sorted(relevance)
    rel = _scaled(np.array([relevance[name] for name in names]))
    red, relat = (_matrix(pairs, names) for pairs in (redundancy, relation))
    left = np.ones(len(names), bool)
    chosen: list[int] = []
    rows = []
    for rank in range(1, len(names) + 1):
        terms = np.zeros((2, len(names)))
        if chosen:
            terms = np.stack([AGGREGATES[aggregate](m[chosen], axis=0) for m in (red, relat)])
        value = np.where(left, rel - alpha * terms[0] + beta * terms[1], -np.inf)
        best = int(np.argmax(value))
        left[best] = False
        chosen.append(best)
        rows.append((names[best], rank, rel[best], terms[0, best], terms[1, best]))
    columns = ["feature", "three_mr_rank", "relevance", "redundancy", "relation"]
    return pl.DataFrame(rows, columns, orient="row")


def _matrix(pairs: Mapping[Pair, float], names: Sequence[str]) -> np.ndarray:
    place = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for pair, value in zip(pairs, _scaled(np.array([*pairs.values()])), strict=True):
        one, other = (place[name] for name in pair)
        matrix[one, other] = matrix[other, one] = value
    return matrix


def _scaled(values: np.ndarray) -> np.ndarray:
    if not len(values) or values.max() == values.min():
        return np.zeros(len(values))
    result: np.ndarray = (values - values.min()) / (values.max() - values.min())
    return result
