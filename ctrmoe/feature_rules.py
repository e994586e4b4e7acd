"""What the options of a feature must be, alone and together."""

from __future__ import annotations

from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from ctrmoe import strict
from ctrmoe.transforms import FORMULAS

if TYPE_CHECKING:
    from ctrmoe.feature import Feature

TRANSFORMS = (*FORMULAS, "quantile")


def broken_rule(feature: Feature) -> str:
    """Returns the first rule that the options break and what they are, or an empty text."""
    for rule, holds in (*_rules(feature), *_rules_of_derivation(feature)):
        if not holds:
            return rule
    if feature.transform in TRANSFORMS:
        return ""
    return (
        f"`transform` must be quantile or a formula. Received: {feature.transform!r}."
        f"{strict.suggestion(feature.transform, TRANSFORMS)}"
    )


def _rules(feature: Feature) -> list[tuple[str, bool]]:
    numeric = feature.kind == "numeric"
    return [
        ("`name` must not be empty.", bool(feature.name)),
        (f"`min_count` must be at least 1. Received: {feature.min_count}.", feature.min_count >= 1),
        (
            f"`hash_buckets` must not be negative. Received: {feature.hash_buckets}.",
            feature.hash_buckets >= 0,
        ),
        (
            f"`oov_buckets` must be at least 1. Received: {feature.oov_buckets}.",
            feature.oov_buckets >= 1,
        ),
        (f"`buckets` must be at least 2. Received: {feature.buckets}.", feature.buckets >= 2),
        (
            f"`max_length` must be at least 1 for a sequence. Received: {feature.max_length}. "
            "Give the number of items kept, the newest.",
            feature.kind != "sequence" or feature.max_length > 0,
        ),
        (
            "`max_length`, `separator`, `vocabulary` and `hash_buckets` are not for a numeric.",
            not numeric
            or not (
                feature.max_length
                or feature.separator
                or feature.vocabulary
                or feature.hash_buckets
            ),
        ),
        (
            f"`transform` is for a numeric. Received: {feature.transform!r}, "
            f"kind={feature.kind!r}.",
            numeric or feature.transform == "none",
        ),
        (
            "`separator` needs `max_length`, the number of values kept.",
            not feature.separator or feature.max_length > 0 or feature.contains is not None,
        ),
        (
            "`dtype` must be string where a `separator` splits text. Received: 'integer'.",
            not feature.separator or feature.dtype != "integer",
        ),
        (
            f"`weights` is for a multi-valued categorical without `separator`. Received: "
            f"{feature.weights!r}, kind={feature.kind!r}, max_length={feature.max_length}.",
            not feature.weights
            or (feature.kind == "categorical" and feature.max_length > 0 and not feature.separator),
        ),
        (
            f"`dtype` of a numeric must be float. Received: {feature.dtype!r}.",
            not numeric or feature.dtype in ("", "float"),
        ),
        (
            "`dtype` of a categorical must be string or integer. Received: 'float'.",
            numeric or feature.dtype != "float",
        ),
    ]


def _rules_of_derivation(feature: Feature) -> list[tuple[str, bool]]:
    own = not (feature.is_list or feature.source or feature.vocabulary)
    return [
        (
            "`cross` is for a categorical of one value without `source` and `vocabulary`. "
            f"Received: kind={feature.kind!r}, max_length={feature.max_length}, "
            f"source={feature.source!r}, vocabulary={feature.vocabulary!r}.",
            not feature.cross or (feature.kind == "categorical" and own),
        ),
        (
            f"`cross` must name two or more different columns. Received: {list(feature.cross)}.",
            not feature.cross
            or (len(set(feature.cross)) == len(feature.cross) > 1 and all(feature.cross)),
        ),
        (
            f"`dtype` of a cross must be string. Received: {feature.dtype!r}. Its columns have "
            "`cross_dtypes`.",
            not feature.cross or feature.dtype in ("", "string"),
        ),
        (
            "`cross_dtypes` must hold one type for each column of `cross`. Received: "
            f"{list(feature.cross_dtypes)}.",
            len(feature.cross_dtypes) in (0, len(feature.cross)),
        ),
        (
            "`cross_edges` must hold ascending numbers, or none, for each column of `cross`. "
            f"Received: {list(map(list, feature.cross_edges))}.",
            len(feature.cross_edges) in (0, len(feature.cross))
            and all(map(_is_ascending, feature.cross_edges)),
        ),
        (
            "`where` must name a column and a value that is not missing. Received: "
            f"{feature.where}.",
            feature.where is None or (feature.where.column != "" and feature.where.equals != ""),
        ),
        (
            f"`where` is not for a feature with `weights`. Received: weights={feature.weights!r}.",
            feature.where is None or not feature.weights,
        ),
        (
            "`contains` must be a value, of a categorical with a `source` of lists and without "
            f"`max_length`, `vocabulary` and `cross`. Received: {feature.contains!r}, "
            f"kind={feature.kind!r}, source={feature.source!r}, max_length={feature.max_length}, "
            f"vocabulary={feature.vocabulary!r}.",
            feature.contains is None
            or (
                feature.contains != ""
                and feature.kind == "categorical"
                and feature.source != ""
                and not (feature.is_list or feature.vocabulary or feature.cross)
            ),
        ),
        (
            f"`dtype` must be string where `contains` is given. Received: {feature.dtype!r}.",
            feature.contains is None or feature.dtype in ("", "string"),
        ),
    ]


def _is_ascending(numbers: tuple[float, ...]) -> bool:
    return all(one < other for one, other in pairwise(numbers)) and all(map(isfinite, numbers))
