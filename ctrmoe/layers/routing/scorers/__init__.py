"""Scorers: `(x [T, H], context) → logits [T, E]`, float32."""

from typing import Any

from ctrmoe.layers.routing.scorers.cluster import ClusterScorer
from ctrmoe.layers.routing.scorers.domain import DomainScorer
from ctrmoe.layers.routing.scorers.linear import LinearScorer
from ctrmoe.layers.routing.scorers.mlp import MLPScorer
from ctrmoe.layers.routing.scorers.own_and_shared import OwnAndSharedScorer
from ctrmoe.layers.routing.scorers.per_domain import PerDomainScorer

SCORERS: dict[str, type[Any]] = {
    "cluster": ClusterScorer,
    "domain": DomainScorer,
    "linear": LinearScorer,
    "mlp": MLPScorer,
    "own_and_shared": OwnAndSharedScorer,
    "per_domain": PerDomainScorer,
}
