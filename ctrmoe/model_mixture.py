"""The parts of a model between the interaction and the logits: domains, experts and towers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import keras

from ctrmoe.config import ModelConfig
from ctrmoe.layers import (
    DOMAIN_NETWORKS,
    DomainEmbedding,
    DomainIndex,
    DomainNormalization,
    DomainTower,
    Mixture,
    MixtureStack,
    Tower,
    create,
)
from ctrmoe.layers.balance import BALANCES
from ctrmoe.layers.registry import constructor_parameters
from ctrmoe.layers.routing import ADJUSTS, SCORERS


class MixtureParts:
    """Makes the layers that follow the interaction, as a config describes them.

    Args:
        config: The parts and their options.
        tasks: Names of the tasks.
        num_domains: Number of domains of the data, domain 0 included; 0 where the schema names
            no domain: all rows are of domain 0 then.
    """

    def __init__(self, config: ModelConfig, tasks: Sequence[str], num_domains: int) -> None:
        self.config = config
        self.tasks = list(tasks)
        self.num_domains = max(num_domains, 1)
        self.inputs: dict[str, Any] = {}
        self.lacks_domain = False
        """Whether a part has asked for the domain and the schema names none."""
        self._has_domain = num_domains > 0

    @property
    def are_asked_for(self) -> bool:
        """Whether the config names one that follows the interaction."""
        config = self.config
        return bool(
            config.domain_network
            or config.experts
            or config.router
            or config.domain_normalization
            or config.towers != "shared"
        )

    def logits(self, hidden: Any, by_task: bool) -> list[Any]:
        """Returns the logit of each task.

        Args:
            hidden: `[B, H]`, tokens, or `[B, T, H]` where each task has its own.
            by_task: Whether that is so.

        Raises:
            ValueError: If the config has a router, or experts for towers, and no experts.
        """
        if self.config.domain_normalization:
            normalization = DomainNormalization(self.num_domains, name="domain_normalization")
            hidden, by_task = normalization(_flat(hidden), self._domain(hidden)), False
        if self.config.domain_network:
            network = self._domain_network()
            hidden, by_task = network(hidden, self._domain(hidden)), network.by_task
        if self.config.experts:
            mixture = self._mixture()
            hidden = mixture(_flat(hidden), context=self._context(mixture, hidden))
            by_task = len(hidden.shape) == 3
        elif self.config.router:
            raise ValueError(
                "`experts` must be given for a `router`. Received: "
                f"router={dict(self.config.router)}, experts={{}}."
            )
        elif self.config.towers == "experts":
            raise ValueError(
                "`experts` must be given where they are the towers. Received: towers='experts', "
                "experts={}."
            )
        if self.config.towers == "experts":
            return [keras.ops.reshape(part, (-1,)) for part in self._parts(hidden, by_task)]
        return [
            self._tower(task, part)
            for task, part in zip(self.tasks, self._parts(hidden, by_task), strict=True)
        ]

    def auxiliary(self, tokens: Any) -> list[Any]:
        """Returns what STAR's auxiliary network adds to the logit of each task."""
        options = dict(self.config.auxiliary)
        dim = options.pop("embedding_dim", 8)
        embedding = DomainEmbedding(self.num_domains, dim, name="auxiliary_domain")
        vector = embedding(self._domain(tokens))
        x = keras.layers.Concatenate(name="auxiliary")([_flat(tokens), vector])
        return [Tower(**options, name=f"{task}_auxiliary_tower")(x) for task in self.tasks]

    def _parts(self, hidden: Any, by_task: bool) -> list[Any]:
        return [hidden[:, index] if by_task else hidden for index in range(len(self.tasks))]

    def _domain(self, like: Any) -> Any:
        """The domain of each row, `[B]`; it is an input of the model once a part asks for it."""
        if self._has_domain:
            return self._index
        self.lacks_domain = True
        return keras.ops.zeros_like(_flat(like)[:, 0], dtype="int32")

    @cached_property
    def _index(self) -> Any:
        self.inputs["domain"] = keras.Input((1,), dtype="int32", name="domain")
        dropout = self.config.domain_dropout
        index = DomainIndex(self.num_domains, dropout=dropout, name="domain_index")
        return index(self.inputs["domain"])

    def _domain_network(self) -> Any:
        options = dict(self.config.domain_network)
        known = {"num_domains": self.num_domains, "num_tasks": len(self.tasks)}
        kind = options.pop("kind", "")
        return create(DOMAIN_NETWORKS, kind, **{**known, **options}, name=kind)

    def _mixture(self) -> Any:
        """A mixture, or several one after the other; only the last has results by task."""
        config, options = self.config, dict(self.config.mixture)
        for name in ("num_gates", "num_banks"):
            if name in options:
                raise ValueError(
                    f"`{name}` must be left out: it follows from the tasks. Received: "
                    f"{name}={options[name]!r}. Set `by_task` for a router a task."
                )
        layers, residual = options.pop("num_layers", 1), options.pop("residual", False)
        by_task = options.pop("by_task", False)
        experts, router = dict(config.experts), dict(config.router)
        if scorer := SCORERS.get(router.get("kind", "")):
            if count := scorer.experts_of(self.num_domains, router):
                experts.setdefault("num_experts", count)
        router = self._filled(SCORERS, router)
        router["adjusts"] = [self._filled(ADJUSTS, one) for one in router.get("adjusts", ())]
        options["balance"] = [self._filled(BALANCES, one) for one in options.get("balance", ())]
        options |= {"experts": experts, "router": router}
        last = {**options, "num_gates": len(self.tasks) if by_task else 1}
        if config.towers == "experts":
            last["experts"] = {**experts, "units": [*experts.get("units", ()), 1]}
            last["num_banks"] = len(self.tasks)
        # The towers' logits are in float32, like those of every tower.
        dtype = "float32" if config.towers == "experts" else None
        if layers == 1 and not residual:
            return create({"mixture": Mixture}, "mixture", **last, dtype=dtype, name="mixture")
        stacked = [options] * (layers - 1) + [last]
        return MixtureStack(stacked, residual=residual, dtype=dtype, name="mixture")

    def _filled(self, registry: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """Adds the number of domains to a part that needs it, or asks for it by `by_domain`."""
        options = dict(options)
        part = registry.get(options.get("kind", ""))
        option = constructor_parameters(part).get("num_domains") if part else None
        if option and options.pop("by_domain", option.default is option.empty):
            options.setdefault("num_domains", self.num_domains)
        return options

    def _context(self, mixture: Any, hidden: Any) -> dict[str, Any]:
        return {"domain": self._domain(hidden)} if "domain" in mixture.needs else {}

    def _tower(self, task: str, hidden: Any) -> Any:
        options = dict(self.config.tower)
        if self.config.towers == "domain":
            options["num_domains"] = self.num_domains
            tower = create({"domain": DomainTower}, "domain", **options, name=f"{task}_tower")
            return tower(hidden, self._domain(hidden))
        return Tower(**options, name=f"{task}_tower")(hidden)


def _flat(x: Any) -> Any:
    """`[B, …] → [B, H]`."""
    if len(x.shape) == 2:
        return x
    return keras.layers.Reshape((math.prod(x.shape[1:]),))(x)
