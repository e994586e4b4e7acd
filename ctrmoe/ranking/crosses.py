"""Crosses of the features that tell something together."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import polars as pl

from ctrmoe.schema import Feature, Schema

logger = logging.getLogger(__name__)
Edges = Mapping[str, tuple[float, ...]]
"""What the ranges of numbers start with, from the second on, by feature."""


def crosses_of(schema: Schema, pairs: pl.DataFrame, bins: pl.DataFrame | None) -> list[Feature]:
    """Returns crosses of the combinations whose synergy is above noise, the greatest first.

    Those that can't be crossed are named in a warning; a name that the schema has is left out.

    Args:
        schema: That of the ranking.
        pairs: As `select` takes them.
        bins: The same.
    """
    members = [name for name in pairs.columns if name.startswith("feature_")]
    found = (
        pairs.filter("synergy_above_noise")
        .with_columns(place=pl.col("synergy").rank("ordinal", descending=True).over("task"))
        .sort("place", *members, maintain_order=True)
        .unique(members, keep="first", maintain_order=True)
    )
    taken, edges = {feature.name for feature in schema.features}, _edges(bins)
    crosses, refused = [], []
    for task, *names in found.select("task", *members).iter_rows():
        parts, known = [schema[name] for name in names], edges.get(task, {})
        if _can_be_crossed(parts, known):
            crosses.append(_cross(parts, known))
        else:
            refused.append(" and ".join(f"`{name}`" for name in names))
    if refused:
        logger.warning(
            "%d of %d combinations with synergy above noise can't be crossed, such as %s: only "
            "different columns of one category a row, and of numbers with known ranges, can.",
            len(refused),
            found.height,
            refused[0],
        )
    return [cross for cross in crosses if cross.name not in taken]


def _edges(bins: pl.DataFrame | None) -> dict[str, dict[str, tuple[float, ...]]]:
    """The edges by task."""
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    if bins is not None:
        for (task, name), own in bins.group_by("task", "feature", maintain_order=True):
            lower = own["lower"].cast(pl.Float32).to_numpy()
            # An edge below the only range tells its numbers from what is missing.
            edges = lower[1:] if len(lower) > 1 else lower
            # `str` gives as few digits as a float32 needs.
            found.setdefault(str(task), {})[str(name)] = tuple(float(str(edge)) for edge in edges)
    return found


def _can_be_crossed(parts: Sequence[Feature], edges: Edges) -> bool:
    different = len({part.column for part in parts}) == len(parts)
    return different and all(_is_whole_column(part, edges) for part in parts)


def _is_whole_column(feature: Feature, edges: Edges) -> bool:
    if feature.cross or feature.where or feature.separator or feature.contains is not None:
        return False
    return feature.name in edges if feature.kind == "numeric" else feature.reading == "categories"


def _cross(parts: Sequence[Feature], edges: Edges) -> Feature:
    cuts = tuple(edges.get(part.name, ()) for part in parts)
    return Feature(
        name=" x ".join(part.name for part in parts),
        kind="categorical",
        cross=tuple(part.column for part in parts),
        cross_edges=cuts if any(cuts) else (),
        # A rare value of a column is as rare in a joint value.
        min_count=max(part.min_count for part in parts),
    )
