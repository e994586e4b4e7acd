"""Which experts the routers of a model choose for rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.data.packed import Encoded
from ctrmoe.layers import Mixture, MixtureStack
from ctrmoe.metrics import RoutingFigures, mean_cosine
from ctrmoe.prediction import batches, input_signature

BATCH_SIZE = 1024
READ = ("index", "gate", "probs", "logits")
"""What is read of a routing."""
PARALLEL = 0.99
"""The mean cosine of centres above which they tell hardly anything apart."""


class RoutingTrace:
    """The routers of a functional model's mixtures, and what they do with rows at inference.

    Args:
        model: A model of `ctrmoe.model.build_model`.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._mixtures = [
            layer for layer in model.layers if isinstance(layer, Mixture | MixtureStack)
        ]

    @property
    def routers(self) -> dict[str, Any]:
        """The routers by `<mixture>/<router>`, of a stack by `<stack>/<mixture>/<router>`."""
        return {
            f"{name}/{router.name}": router
            for layer in self._mixtures
            for name, mixture in _mixtures(layer).items()
            for router in mixture.routers
        }

    @property
    def centres(self) -> dict[str, np.ndarray]:
        """The centres of the routers that have some, `[K, H]`."""
        return {
            name: np.asarray(router.scorer.centres)
            for name, router in self.routers.items()
            if hasattr(router.scorer, "centres")
        }

    def figures(
        self,
        parts: Iterable[tuple[Encoded, np.ndarray | None]],
        num_domains: int = 1,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, RoutingFigures]:
        """Sums up the routing of rows.

        Args:
            parts: Encoded rows, each with the numbers of their domains or other groups, or None.
            num_domains: Number of groups.
            progress: Called with the rows done.

        Returns:
            The figures of each of `routers` by its name.
        """
        found = {
            name: RoutingFigures(router.num_experts, num_domains)
            for name, router in self.routers.items()
        }
        done = 0
        for encoded, domains in parts if found else ():
            for where, inputs in batches(self.model, encoded, BATCH_SIZE):
                rows = where.stop - where.start
                own = None if domains is None else domains[where]
                for figures, routing in zip(found.values(), self._step(inputs), strict=True):
                    # A row of tokens has a routing for each of them.
                    tokens = len(routing["index"]) // rows
                    figures.update(routing, None if own is None else np.repeat(own, tokens))
                done += rows
                if progress:
                    progress(done)
        return found

    @cached_property
    def _step(self) -> Callable[[Any], list[dict[str, Any]]]:
        inner = keras.Model(self.model.input, {one.name: one.input for one in self._mixtures})

        @tf.function(input_signature=[input_signature(self.model)], autograph=False)
        def step(inputs: Any) -> list[dict[str, Any]]:
            read = inner(inputs, training=False)
            return [
                {name: routing[name] for name in READ if name in routing}
                for mixture in self._mixtures
                for routing in _routings(mixture, *keras.tree.flatten(read[mixture.name]))
            ]

        return step


def centre_findings(centres: np.ndarray) -> list[str]:
    """Returns a sentence where centres, `[K, H]`, are nearly parallel."""
    cosine = mean_cosine(centres)
    if cosine <= PARALLEL:
        return []
    return [f"The centres are nearly parallel: their mean cosine is {cosine:.3f}."]


def _mixtures(layer: Mixture | MixtureStack) -> dict[str, Mixture]:
    if isinstance(layer, Mixture):
        return {layer.name: layer}
    return {f"{layer.name}/{mixture.name}": mixture for mixture in layer.mixtures}


def _routings(layer: Mixture | MixtureStack, inputs: Any, *context: Any) -> list[dict[str, Any]]:
    # Keras keeps the tensors of a dictionary in the order of their names.
    named = dict(zip(sorted(layer.needs), context, strict=True))
    if isinstance(layer, Mixture):
        return layer.routing(inputs, named)
    return [routing for level in layer.routing(inputs, named) for routing in level]
