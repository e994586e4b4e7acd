"""Gates of the embeddings by domain, and of the towers by row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_rate
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.experts.feed_forward import FeedForwardExperts
from ctrmoe.layers.gate_unit import GateUnit


@keras.saving.register_keras_serializable(package="ctrmoe")
class PEPNet(DomainNetwork):
    """One tower a task, whose input is scaled by domain and whose hidden layers by row.

    With the domain's vector e, the stop-gradient sg and gate units `V(x) = 2 σ(ReLU(x W) W')`,

        h⁰ = V_ep(e ⊕ sg(x)) ⊙ x                          (EPNet, the same for all tasks)
        δ = V_pp(x ⊕ e ⊕ sg(h⁰))                          (PPNet, split by task and layer)
        hˡ⁺¹ = f((δˡ ⊙ hˡ) Wˡ + bˡ)                       (a tower, with weights of its own)

    The result is `δᴸ ⊙ hᴸ`, what the logit's linear map reads. Only gates see their input without
    a gradient to it: the embeddings learn through the towers.

    Args:
        num_domains: Number of domains, domain 0 included.
        num_tasks: Number of tasks, T.
        units: Width of each layer of a tower.
        domain_dim: Width of a domain's vector.
        gate_units: Hidden width of the gate units.
        epnet: Whether the input is scaled.
        ppnet: Whether the towers are scaled.
        activation: `f`.
        dropout: Share of a layer's outputs set to zero while training.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, T, units[-1]]`.

    Raises:
        ValueError: If an argument is out of its range, or neither gate is left.

    Reference:
        Chang et al., PEPNet: Parameter and Embedding Personalized Network for Infusing with
        Personalized Prior Information, 2023, arXiv:2302.01115. There the prior
        of PPNet is the ids of user, item and author; here it is the whole input and the domain.
        Widths are ours.
    """

    by_task = True

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        units: Sequence[int] = (64, 32),
        domain_dim: int = 16,
        gate_units: int = 64,
        epnet: bool = True,
        ppnet: bool = True,
        activation: Any = "relu",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        if not (epnet or ppnet):
            raise ValueError(
                "`epnet` or `ppnet` must be true, or nothing depends on the domain. "
                f"Received: epnet={epnet}, ppnet={ppnet}."
            )
        self.units = [check_positive_integer("units", width) for width in units]
        self.domain_dim = domain_dim
        self.gate_units = check_positive_integer("gate_units", gate_units)
        self.epnet, self.ppnet = epnet, ppnet
        self.activation = keras.activations.get(activation)
        self.dropout = check_rate("dropout", dropout)
        self.domain_embedding = DomainEmbedding(
            num_domains, domain_dim, dtype=self.dtype_policy, name="domain_embedding"
        )
        # A layer of all towers: one expert a task, with weights of its own.
        self.tower_layers = [
            FeedForwardExperts(
                num_tasks,
                [width],
                output_activation=self.activation,
                dtype=self.dtype_policy,
                name=f"towers_{index}",
            )
            for index, width in enumerate(self.units)
        ]
        self.dropout_layer = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout")

    @property
    def output_dim(self) -> int:
        return self.units[-1]

    def build_flat(self, width: int) -> None:
        self.widths = [width, *self.units]
        self.domain_embedding.build()
        for layer, (size, _) in zip(
            self.tower_layers, itertools.pairwise(self.widths), strict=True
        ):
            layer.build((None, size))
        if self.epnet:
            self.input_gate = self._gate("epnet", width, self.domain_dim + width)
        if self.ppnet:
            gates = self.num_tasks * sum(self.widths)
            self.tower_gate = self._gate("ppnet", gates, 2 * width + self.domain_dim)

    def _gate(self, name: str, units: int, width: int) -> GateUnit:
        gate = GateUnit(units, self.gate_units, dtype=self.dtype_policy, name=name)
        gate.build((None, width))
        return gate

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        vectors = self.domain_embedding(domain)
        scaled = x
        if self.epnet:
            scaled = x * self.input_gate(ops.concatenate([vectors, ops.stop_gradient(x)], axis=1))
        gates = self._gates(x, vectors, scaled) if self.ppnet else [1.0] * len(self.widths)
        h = gates[0] * scaled[None]  # [T, B, H], or [1, B, H] while it is the same for all tasks
        for layer, gate in zip(self.tower_layers, gates[1:], strict=True):
            h = layer.compute(h, layer.tensors(), training=training)
            h = gate * self.dropout_layer(h, training=training)
        return ops.transpose(h, (1, 0, 2))

    def _gates(self, x: Any, vectors: Any, scaled: Any) -> list[Any]:
        """The scales of each layer's input, `[T, B, H]` each; the logit is the last layer."""
        prior = ops.concatenate([x, vectors, ops.stop_gradient(scaled)], axis=1)
        gates = ops.reshape(self.tower_gate(prior), (-1, self.num_tasks, sum(self.widths)))
        ends = [int(end) for end in np.cumsum(self.widths)[:-1]]
        return ops.split(ops.transpose(gates, (1, 0, 2)), ends, axis=2)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "domain_dim": self.domain_dim,
            "gate_units": self.gate_units,
            "epnet": self.epnet,
            "ppnet": self.ppnet,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
        }
