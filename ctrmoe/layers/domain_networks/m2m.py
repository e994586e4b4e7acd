"""Meta units: networks whose weights a vector of the domain generates."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.dispatch import blocked
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_networks.activated_experts import activated_experts
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.domain_networks.meta_network import MetaNetwork
from ctrmoe.layers.mlp import MLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class M2M(DomainNetwork):
    """Experts for all domains, weighed and refined by weights that the domain's vector generates.

    The views `E_j(x)` of a row are those of `num_experts` experts. The vector `s = MLP(e_p)` of
    its domain generates the weights of an attention over them for each task, and of a residual
    tower: see `MetaNetwork`. They are generated once for each domain, and each domain's are
    applied to its rows.

    With `read_input`, `s = MLP([e_p; x])`: each row has weights of its own. For a batch these are
    `B U²` numbers a layer of the tower and `2 B U²` of the attention, each a sum of S products,
    where the default multiplies a row by its domain's `U²` only.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks, T.
        units: Width of each layer of an expert; the last is U.
        num_experts: Number of experts.
        num_layers: Number of layers of the generated tower.
        domain_dim: Width of a domain's vector `e`.
        vector_units: Widths of the MLP that makes `s`; the last is S.
        read_input: Whether `s` depends on the row too.
        activation: Activation of every layer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, T, units[-1]]`.

    Raises:
        ValueError: If a number is not a positive integer or no width is given.

    Reference:
        Zhang et al., Leaving No One Behind: A Multi-Scenario Multi-Task Meta Learning Approach for
        Advertiser Modeling, 2022, arXiv:2201.06814. Its transformer over the features is any
        interaction in front; the MLP of a task's vector is a free vector here.

    Example:

    >>> network = M2M(3, num_tasks=2, units=[8])
    >>> network(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 2, 8])
    """

    by_task = True

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        units: Sequence[int] = (64,),
        num_experts: int = 4,
        num_layers: int = 1,
        domain_dim: int = 16,
        vector_units: Sequence[int] = (32,),
        read_input: bool = False,
        activation: Any = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        self.num_layers = check_positive_integer("num_layers", num_layers)
        self.read_input = read_input
        self.activation = keras.activations.get(activation)
        policy = self.dtype_policy
        self.experts = activated_experts(
            num_experts, units=units, activation=self.activation, dtype=policy, name="experts"
        )
        self.domains = DomainEmbedding(num_domains, domain_dim, dtype=policy, name="domains")
        self.vector = MLP(vector_units, activation=self.activation, dtype=policy, name="vector")
        self.meta = MetaNetwork(
            num_tasks,
            self.experts.output_dim,
            num_layers=num_layers,
            activation=self.activation,
            dtype=policy,
            name="meta",
        )

    @property
    def output_dim(self) -> int:
        return self.experts.output_dim

    def build_flat(self, width: int) -> None:
        self.experts.build((None, width))
        self.domains.build((None,))
        self.vector.build((None, self.domains.dim + (width if self.read_input else 0)))
        views = self.experts.num_experts * self.output_dim
        self.meta.build((None, None, views), (None, self.vector.units[-1]))

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        views = self.experts(x, training=training)
        views = ops.reshape(views, (-1, self.experts.num_experts * self.output_dim))
        if self.read_input:
            vectors = self.vector(ops.concatenate([self.domains(domain), x], axis=1))
            y = self.meta(views[:, None], vectors)
        else:
            own = {"index": domain[:, None], "gate": ops.ones_like(domain[:, None], "float32")}
            (y,) = blocked(views, [own], self._bank(), training=training)
        return ops.reshape(y, (-1, self.num_tasks, self.output_dim))

    def _bank(self) -> Any:
        """The meta network as a bank with an expert for each domain, as the dispatch reads it."""
        vectors = self.vector(self.domains(ops.arange(self.num_domains, dtype="int32")))
        return SimpleNamespace(
            num_experts=self.num_domains,
            output_dim=self.num_tasks * self.output_dim,
            tensors=lambda: self.meta.generate(vectors),
            compute=self.meta.compute,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.experts.units,
            "num_experts": self.experts.num_experts,
            "num_layers": self.num_layers,
            "domain_dim": self.domains.dim,
            "vector_units": self.vector.units,
            "read_input": self.read_input,
            "activation": keras.activations.serialize(self.activation),
        }
