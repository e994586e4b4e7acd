"""Weights that a new run takes over from an old one, whose values and domains it has and more."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from ctrmoe.config import ConfigError
from ctrmoe.data.growth import domain_sources, row_sources
from ctrmoe.layers import FeatureEmbedding
from ctrmoe.run import Run


def warm_start(run: Run, model: keras.Model, old: Run) -> None:
    """Writes what an old run has learned into the model of a new one.

    Rows of tables go over by their value, and new values start as the old run's unknown ones. What
    a layer has for each domain goes over by the domain, and new domains start as the part for
    unknown domains. Where a weight has grown otherwise, as with more experts, the old part is kept
    and the rest stays as it was drawn. Layers go over by their name; those that the old run does
    not have stay as they were drawn, too.

    Old rows keep their predictions to the last digit of float32, up to the statistics of numeric
    features, which are those of the new data, and unless a network reads the other domains, as
    HiNet, M3oE and PLE of several levels do: new ones change what it reads.

    Args:
        run: A run whose training starts; its vocabularies hold the old ones' values.
        model: What `run.build_model` gave.
        old: A finished run.

    Raises:
        ConfigError: If a weight of the old run does not fit into that of the new one.
    """
    before = {layer.name: layer for layer in old.model.layers}
    none = np.zeros(1, int)
    domains = domain_sources(run.encoder, old.encoder) if run.schema.domain else none
    for layer in model.layers:
        if layer.weights and layer.name in before:
            tables: set[int] = set()
            if isinstance(layer, FeatureEmbedding):
                _keep_rows(run, layer, old, before[layer.name])
                tables = {id(table.table) for table in layer.tables}
            for (weight, per_domain), kept in _pairs(layer, before[layer.name]):
                if id(weight) not in tables:
                    weight.assign(_grown(weight, kept, per_domain, domains))


def _keep_rows(run: Run, new: FeatureEmbedding, old: Run, before: FeatureEmbedding) -> None:
    for field in new.fields:
        if field.kind != "numeric" and not field.table:
            if field.buckets:
                raise ConfigError(
                    "`train.warm_start`: a composed table has no row for each value, which could "
                    f"be kept. Received: `compose` for feature {field.name!r}. Leave it out."
                )
            sources = row_sources(run.encoder, old.encoder, field.name)
            rows = before.rows(field.name)[sources]
            new.assign_rows(field.name, np.arange(len(sources)), rows)


def _pairs(new: Any, old: Any) -> list[tuple[tuple[Any, int], np.ndarray]]:
    """Each weight of a layer and how many rows of it a domain has, with the old values."""
    weights, kept = _weights(new), _weights(old)
    if len(weights) != len(kept):
        raise ConfigError(
            f"`train.warm_start`: layer `{new.name}` must have as many weights as in the old run, "
            f"{len(kept)}. Received: {len(weights)}. Take over the old run's [model]."
        )
    return [
        (weight, keras.ops.convert_to_numpy(own))
        for weight, (own, _) in zip(weights, kept, strict=True)
    ]


def _weights(layer: Any) -> list[tuple[Any, int]]:
    """All weights below a layer; with how many rows of each one domain has in turn."""
    found = []
    for part in layer._flatten_layers():
        per_domain = getattr(part, "rows_per_domain", 0)
        by_domain = getattr(part, "weights_by_expert", None)
        for weight in (*part._trainable_variables, *part._non_trainable_variables):
            own = by_domain is None or any(weight is other for other in by_domain)
            found.append((weight, per_domain if own else 0))
    return found


def _grown(weight: Any, kept: np.ndarray, per_domain: int, domains: np.ndarray) -> np.ndarray:
    """The new value of a weight."""
    if per_domain:
        kept = kept[_sources(weight.shape[0], len(kept), per_domain, domains)]
    if kept.ndim != len(weight.shape) or any(
        new < old for new, old in zip(weight.shape, kept.shape, strict=True)
    ):
        raise ConfigError(
            f"`train.warm_start`: weight `{weight.path}` must be at least as large as in the old "
            f"run, {kept.shape}. Received: {tuple(weight.shape)}. Take over the old run's [model]."
        )
    value = np.array(keras.ops.convert_to_numpy(weight))
    value[tuple(slice(size) for size in kept.shape)] = kept
    return value


def _sources(rows: int, old_rows: int, per_domain: int, domains: np.ndarray) -> np.ndarray:
    """For each row of a weight by domain the old one: those of the domains, then those of all."""
    shared = rows - len(domains) * per_domain
    own = np.repeat(domains * per_domain, per_domain)
    own += np.tile(np.arange(per_domain), len(domains))
    return np.concatenate([own, np.arange(old_rows - shared, old_rows)])
