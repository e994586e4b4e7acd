"""Own experts of every domain beside shared ones, in levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer
from ctrmoe.layers.dispatch import dispatch
from ctrmoe.layers.domain_experts import DomainExperts
from ctrmoe.layers.domain_networks.activated_experts import activated_experts
from ctrmoe.layers.domain_networks.domain_logits import DomainLogits
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.domain_networks.gated_sum import gated_sum
from ctrmoe.layers.experts.feed_forward import FeedForwardExperts


@keras.saving.register_keras_serializable(package="ctrmoe")
class PLE(DomainNetwork):
    """Progressive layered extraction over domains; with one level customized gate control (CGC).

    In level l the own experts `E_p` of domain p read the domain's state, the shared experts `E_s`
    the shared state; at first both are the row x. A gate weighs the experts of its domain:

        h_p^l = Σ softmax(W_p^l h_p^{l-1}) · [E_p^l(h_p^{l-1}); E_s^l(h_s^{l-1})]
        h_s^l = Σ softmax(W_s^l h_s^{l-1}) · [all E_p^l(h_p^{l-1}); E_s^l(h_s^{l-1})]

    There is no `h_s` after the last level L, and the result is `h_p^L` of the row's domain. So the
    last level computes what the row's domain needs only, but each level before it computes all
    domains' experts on every row: its cost grows with the number of domains, that of one level
    does not.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks, T.
        units: Width of each layer of an expert.
        num_levels: Number of levels, 1 to 3.
        own_experts: Number of experts that each domain has for itself in a level.
        shared_experts: Number of experts in a level that all domains share.
        by_task: Whether each task has gates of its own in the last level.
        activation: Activation of every layer of an expert.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, units[-1]]`, or `[B, T, units[-1]]` where `by_task`.

    Raises:
        ValueError: If a number is not a positive integer or `num_levels` is above 3.

    Reference:
        Tang et al., Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model for
        Personalized Recommendations, 2020, with domains in the place of its tasks. The domains'
        gates have a bias here, except in the first of three levels.

    Example:

    >>> network = PLE(3, units=[8])
    >>> network(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        units: Sequence[int] = (256,),
        num_levels: int = 2,
        own_experts: int = 1,
        shared_experts: int = 1,
        by_task: bool = False,
        activation: Any = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        self.num_levels = check_choice("num_levels", num_levels, (1, 2, 3))
        self.own_experts = check_positive_integer("own_experts", own_experts)
        self.shared_experts = check_positive_integer("shared_experts", shared_experts)
        self.by_task = by_task
        self.activation = keras.activations.get(activation)
        levels = range(num_levels)
        options = {"units": units, "activation": self.activation, "dtype": self.dtype_policy}
        self.own = [
            activated_experts(
                num_domains * own_experts,
                rows_per_domain=own_experts,
                name=f"own_{level}",
                **options,
            )
            for level in levels
        ]
        self.shared = [
            activated_experts(shared_experts, name=f"shared_{level}", **options) for level in levels
        ]
        self.gates = [self._gates(level, f"gates_{level}") for level in levels]
        self.shared_gates = [
            DomainLogits(
                num_domains, own_experts, shared_rows=shared_experts, name=f"shared_gate_{level}"
            )
            for level in levels[:-1]
        ]

    def _gates(self, level: int, name: str) -> Any:
        if level < self.num_levels - 2:  # the next one reads the states of all domains
            return DomainLogits(self.num_domains, self._choices, name=name)
        gates = self.num_tasks if self.by_task and level == self.num_levels - 1 else 1
        return DomainExperts(self.num_domains, [gates * self._choices], dtype="float32", name=name)

    @property
    def output_dim(self) -> int:
        return self.own[0].output_dim

    def build_flat(self, width: int) -> None:
        for level, own in enumerate(self.own):
            for part in (own, self.shared[level], self.gates[level]):
                part.build((None, width))
            if level < self.num_levels - 1:
                self.shared_gates[level].build((None, width))
            width = self.output_dim

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        own = shared = x
        states = x[:, None]  # of all domains, [B, P, H]; before the first level one for all
        for level in range(self.num_levels - 1):
            of_own = _of_each(self.own[level], states, self.own_experts, training)
            of_shared = self.shared[level](shared, training=training)
            if level < self.num_levels - 2:
                logits = ops.reshape(self.gates[level](x), (-1, self.num_domains, self._choices))
                states = gated_sum(logits, own=of_own, shared=of_shared)
                own = _of_domain(states, domain, self.num_domains)[:, 0]
            else:
                logits = self.gates[level](own, domain)[:, None]
                results = _of_domain(of_own, domain, self.num_domains)
                own = gated_sum(logits, own=results, shared=of_shared)[:, 0]
            logits = self.shared_gates[level](shared)[:, None]
            of_all = ops.concatenate([of_own, of_shared], axis=1)
            shared = gated_sum(logits, shared=of_all)[:, 0]
        return self._last(own, shared, domain, training)

    def _last(self, own: Any, shared: Any, domain: Any, training: bool | None) -> Any:
        """The result of the last level, of the experts of each row's own domain only."""
        first = self.own_experts * domain[:, None]
        gate = ops.ones_like(first, "float32")
        each = [{"index": first + k, "gate": gate} for k in range(self.own_experts)]
        of_own = ops.stack(dispatch(own, each, self.own[-1], training=training), axis=1)
        of_shared = self.shared[-1](shared, training=training)
        logits = self.gates[-1](own, domain)
        logits = ops.reshape(logits, (-1, logits.shape[-1] // self._choices, self._choices))
        y = gated_sum(logits, shared=ops.concatenate([of_own, of_shared], axis=1))
        return y if self.by_task else y[:, 0]

    @property
    def _choices(self) -> int:
        return self.own_experts + self.shared_experts

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.own[0].units,
            "num_levels": self.num_levels,
            "own_experts": self.own_experts,
            "shared_experts": self.shared_experts,
            "by_task": self.by_task,
            "activation": keras.activations.serialize(self.activation),
        }


def _of_each(bank: FeedForwardExperts, states: Any, per_state: int, training: bool | None) -> Any:
    """Applies `per_state` experts to each of the states `[B, P, H]`, or all to the one state."""
    blocks = ops.transpose(states, (1, 0, 2))
    if states.shape[1] > 1:
        blocks = ops.repeat(blocks, per_state, axis=0)
    return ops.transpose(bank.compute(blocks, bank.tensors(), training=training), (1, 0, 2))


def _of_domain(values: Any, domain: Any, num_domains: int) -> Any:
    """Of what each domain has, `[B, P K, U]`, the part of the row's own, `[B, K, U]`."""
    per_domain = values.shape[1] // num_domains
    flat = ops.reshape(values, (-1, num_domains, per_domain * values.shape[-1]))
    own = ops.one_hot(domain, num_domains, dtype=values.dtype)[:, None]
    return ops.reshape(ops.matmul(own, flat), (-1, per_domain, values.shape[-1]))
