"""A schema of the features that are worth keeping."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import polars as pl

from ctrmoe.files import write_text
from ctrmoe.ranking.crosses import crosses_of
from ctrmoe.schema import Feature, Schema, SchemaError

AUTO = "auto"
COPY = 0.9
"""The redundancy from which a feature counts as a copy."""
ORDERS = {"forward": "step", "three_mr": "three_mr_rank"}
"""Tables of what each feature adds to others, the best first, and their column of the place."""


def select(
    schema: Schema,
    ranking: pl.DataFrame,
    pairs: pl.DataFrame | None = None,
    redundancy: pl.DataFrame | None = None,
    count: int | str = AUTO,
    crosses: int | None = None,
    order: pl.DataFrame | None = None,
    bins: pl.DataFrame | None = None,
) -> Schema:
    """Chooses features by their ranking, and crosses by what they tell beyond their parts.

    The place of a feature is its best one over the tasks, ties in the order of the schema: in
    `order`, and behind all of these by `ranking`, which does not know that two features may tell
    the same. From the best on, those are taken that are no copies of one that is taken already,
    nor the same number by a formula that changes no score: `count` of them, or with `auto` all
    that are above noise for a task. Crosses come beside them: the pairs whose synergy is above
    noise, the greatest first; the columns of a cross need not be among the features taken. A number
    is crossed by the ranges that the ranking counted it in, which the schema then has.

    A feature that uses the vocabulary of one that is left out gets one of its own.

    Args:
        schema: That of the ranking.
        ranking: `task`, `feature`, `rank`, `score` and `above_noise`; features that are not of the
            schema, such as controls, are left out.
        pairs: `task`, `feature_a`, `feature_b` (and further ones), `synergy`,
            `synergy_above_noise`; without it there are no crosses.
        redundancy: `feature_a`, `feature_b`, `redundancy` from 0 to 1, for a copy; without it no
            copies are known.
        count: Number of features, or `auto`.
        crosses: Most crosses; as many as features are taken where it is None.
        order: `task`, `feature` and `place`, of an order that counts what each feature adds to
            those before it; it need not have all features.
        bins: `task`, `feature`, `lower`: what the ranges of numbers start with; without it no
            number is crossed.

    Raises:
        SchemaError: When `count` is neither, or no feature is above noise.
    """
    check_count(schema, count)
    own = ranking.filter(pl.col("feature").is_in([f.name for f in schema.features]))
    if count == AUTO:
        above = own.filter("above_noise")["feature"]
        own = own.filter(pl.col("feature").is_in(above.implode()))
        if not len(own):
            raise SchemaError(
                "Some feature must be above noise to be chosen. Received: none of "
                f"{len(schema.features)}. Rank more rows, or choose a number of features."
            )
    places = _places(own, "rank", schema)
    if order is not None:
        placed = _places(order.filter(pl.col("feature").is_in(places)), "place", schema)
        places = [*placed, *(name for name in places if name not in placed)]
    places = _without_relabelled(places, own, schema)
    places = _without_copies(places, redundancy)
    taken = places if count == AUTO else places[: int(count)]
    kept = _with_vocabularies(schema, taken)
    most = len(taken) if crosses is None else crosses
    crossed = [] if pairs is None or not most else crosses_of(schema, pairs, bins)[:most]
    return _with_features(schema, (*kept, *crossed))


def check_count(schema: Schema, count: int | str) -> None:
    """Refuses a number of features that can't be chosen.

    Raises:
        SchemaError: When it is neither `auto` nor between 1 and that of the features.
    """
    most = len(schema.features)
    if count != AUTO and not (isinstance(count, int) and 1 <= count <= most):
        raise SchemaError(
            f"`select` must be auto or a number from 1 to {most}, that of the features. "
            f"Received: {count!r}."
        )


def parse_count(text: str, schema: Schema, out: Path | None) -> int | str:
    """Reads `--select` before a ranking that takes long; `auto` where it is left out.

    Raises:
        SchemaError: When it is no count, there is no `--out-schema` for it, or that file exists.
    """
    if text and not out:
        raise SchemaError(f"`--select` needs `--out-schema`, the file to write. Received: {text}.")
    if out and out.exists():
        raise SchemaError(f"{out} exists already. Choose another `--out-schema`.")
    count = int(text) if text.isdecimal() else text or AUTO
    check_count(schema, count)
    return count


def write_selection(
    schema: Schema, tables: Mapping[str, pl.DataFrame], count: int | str, out: Path
) -> str:
    """Writes the schema that `select` returns, of the tables of a ranking by their names.

    Its order is that of `forward`, or else of `three_mr`, where one of them is there.

    Returns:
        What it holds, in words.
    """
    orders = (
        tables[name].select("task", "feature", place=place)
        for name, place in ORDERS.items()
        if name in tables
    )
    chosen = select(
        schema,
        tables["ranking"],
        tables.get("pairs"),
        tables.get("redundancy"),
        count,
        order=next(orders, None),
        bins=tables.get("bins"),
    )
    known = {feature.name for feature in schema.features}
    crosses = sum(feature.name not in known for feature in chosen.features)
    kept = (
        f"{len(chosen.features) - crosses} of {len(schema.features)} features, {crosses} "
        f"cross{'es' * (crosses != 1)}"
    )
    write_text(out, f"# Chosen by `ctrmoe rank --select {count}`: {kept}.\n{chosen.dumps()}")
    return kept


def _places(table: pl.DataFrame, place: str, schema: Schema) -> list[str]:
    """The features of a table from the best to the worst."""
    best = dict(table.group_by("feature").agg(pl.col(place).min()).iter_rows())
    return sorted((f.name for f in schema.features if f.name in best), key=best.__getitem__)


def _without_relabelled(places: Iterable[str], ranking: pl.DataFrame, schema: Schema) -> list[str]:
    """Leaves out a transformed number that scores as one of the same column that is better placed.

    A formula that is one to one gives values other names: counts do not change, nor do scores.
    """
    frame = ranking.sort("task").group_by("feature").agg(pl.col("score").round(9))
    scores = {name: tuple(own) for name, own in frame.iter_rows()}
    taken: dict[object, str] = {}
    for name in places:
        feature = schema[name]
        same = (feature.column, feature.where, scores[name])
        taken.setdefault(same if feature.kind == "numeric" else name, name)
    return list(taken.values())


def _without_copies(names: Iterable[str], redundancy: pl.DataFrame | None) -> list[str]:
    copies: set[frozenset[str]] = set()
    if redundancy is not None:
        alike = redundancy.filter(pl.col("redundancy") >= COPY)
        copies = set(map(frozenset, alike.select("feature_a", "feature_b").iter_rows()))
    taken: list[str] = []
    for name in names:
        if not any(frozenset((name, other)) in copies for other in taken):
            taken.append(name)
    return taken


def _with_vocabularies(schema: Schema, taken: Collection[str]) -> list[Feature]:
    """The features taken, in the order of the schema; the first heir owns a vocabulary left out."""
    heirs: dict[str, str] = {}
    kept = []
    for feature in schema.features:
        if feature.name not in taken:
            continue
        owner = schema.owner(feature)
        if owner.name not in taken:
            heir = heirs.setdefault(owner.name, feature.name)
            rules = ("min_count", "hash_buckets", "oov_buckets", "dtype")
            inherited = {rule: getattr(owner, rule) for rule in rules}
            changes = (
                {"vocabulary": heir} if heir != feature.name else {"vocabulary": ""} | inherited
            )
            feature = dataclasses.replace(feature, **changes)
        kept.append(feature)
    return kept


def _with_features(schema: Schema, features: tuple[Feature, ...]) -> Schema:
    """The schema with other features; limits of columns that are not read any more are left out."""
    known = {column.name for feature in features for column in feature.inputs} | {schema.domain}
    columns = {name: own for name, own in schema.limits.columns.items() if name in known}
    return schema.replace(
        features=features, limits=dataclasses.replace(schema.limits, columns=columns)
    )
