"""Features that tell the same."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.ranking.sections.matrix import matrix_of, symmetric
from ctrmoe.report.dendrogram import dendrogram
from ctrmoe.report.section import Drawing, Section

MAX_LEAVES = 40
TEXT = (
    "The redundancy of two features is their mutual information above chance over the mean of "
    "their entropies above chance: 1 where one is the other under other names, 0 where they are "
    "independent, whatever their cardinality. The tree joins features, and then groups of them, "
    "at 1 less the mean redundancy between them: what joins far to the left says nearly the same, "
    "and one of it may do."
)
FEW = " Drawn are the {shown} of {all:,} features that are most redundant with any other."
ORDER_TEXT = (
    "The order of 3MR takes the most relevant feature first, and then always the one with the "
    "most relevance less redundancy with those before it, plus what it tells together with them "
    "(relation); each of the three lies between 0 and 1."
)


def redundancy_section(redundancy: pl.DataFrame, three_mr: pl.DataFrame | None = None) -> Section:
    """Draws which features say the same.

    Args:
        redundancy: A row for each pair: `feature_a`, `feature_b`, `redundancy`.
        three_mr: Orders of features, where there are any.
    """
    pairs = redundancy.sort("redundancy", descending=True, maintain_order=True)
    named = (name for pair in pairs.select("feature_a", "feature_b").iter_rows() for name in pair)
    features = list(dict.fromkeys(named))
    few = "" if len(features) <= MAX_LEAVES else FEW.format(shown=MAX_LEAVES, all=len(features))
    tables, excerpts = {"redundancy": redundancy}, {"Pairs, the most redundant first": pairs}
    if three_mr is not None:
        tables["three_mr"] = excerpts["Order of 3MR"] = three_mr
    return Section(
        name="redundancy",
        title="Redundancy",
        text=(TEXT + few, *[ORDER_TEXT] * (three_mr is not None)),
        drawings=(_drawing(pairs, features[:MAX_LEAVES]),) if features else (),
        tables=tables,
        excerpts=excerpts,
    )


def _drawing(pairs: pl.DataFrame, features: list[str]) -> Drawing:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    cells = pairs.select("feature_a", "feature_b", "redundancy").iter_rows()
    alike = np.nan_to_num(symmetric(matrix_of(cells, features, features)))
    distance = np.clip(1 - alike, 0, 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    return Drawing(
        "Features that say the same",
        dendrogram(tree, features, "1 - mean redundancy (0: the same, 1: independent)"),
    )
