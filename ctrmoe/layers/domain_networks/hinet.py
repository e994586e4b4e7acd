"""Information of the own domain, of the others and of all, and then experts of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_networks.activated_experts import activated_experts
from ctrmoe.layers.domain_networks.domain_logits import DomainLogits
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.domain_networks.gated_sum import gated_sum, softmax
from ctrmoe.layers.routing.scorers.domain import NEVER


@keras.saving.register_keras_serializable(package="ctrmoe")
class HiNet(DomainNetwork):
    """Hierarchical information extraction: a layer over domains, then one over tasks.

    For a row x of domain p, with vectors `e` and `k` of domains, j over a domain's experts and s
    over shared ones:

        G   = Σ_s softmax(W x)_s E_s(x)                      what all domains share
        S_q = Σ_j softmax(W_q x)_j E_qj(x)                   what domain q has for itself
        A_p = Σ_{q≠p} softmax_{q≠p}(e_p · k_q) S_q           what it takes from the others
        C   = [G; S_p; A_p]
        y_t = Σ softmax(V_t C) · [F_t(C); F_shared(C)]       the experts of task t and shared ones

    `A_p` never reads the own domain. It needs every `S_q`, so that a step's cost grows with the
    number of domains.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks, T.
        units: Width of each layer of an expert of domains.
        task_units: Width of each layer of an expert of tasks.
        own_experts: Number of experts that each domain, and each task, has for itself.
        shared_experts: Number of experts that all domains, and all tasks, share.
        domain_dim: Width of the vectors `e` and `k`.
        activation: Activation of every layer of an expert.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, T, task_units[-1]]`.

    Raises:
        ValueError: If a number is not a positive integer or no width is given.

    Reference:
        Zhou et al., HiNet: Novel Multi-Scenario & Multi-Task Learning with Hierarchical
        Information Extraction, 2023, arXiv:2303.06095. The numbers of experts are not the
        paper's, which did not lie before us.

    Example:

    >>> network = HiNet(3, num_tasks=2, task_units=[8])
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
        task_units: Sequence[int] = (64,),
        own_experts: int = 2,
        shared_experts: int = 2,
        domain_dim: int = 16,
        activation: Any = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        self.own_experts = check_positive_integer("own_experts", own_experts)
        self.shared_experts = check_positive_integer("shared_experts", shared_experts)
        self.domain_dim = check_positive_integer("domain_dim", domain_dim)
        self.activation = keras.activations.get(activation)
        policy = self.dtype_policy
        options = {"units": units, "activation": self.activation, "dtype": policy}
        self.shared = activated_experts(shared_experts, name="shared", **options)
        self.shared_gate = self._gate(shared_experts, "shared_gate")
        self.own = activated_experts(
            num_domains * own_experts, rows_per_domain=own_experts, name="own", **options
        )
        self.own_gates = DomainLogits(num_domains, own_experts, name="own_gates")
        self.queries = DomainEmbedding(num_domains, domain_dim, dtype=policy, name="queries")
        self.keys = DomainEmbedding(num_domains, domain_dim, dtype=policy, name="keys")
        options["units"] = task_units
        self.task = activated_experts(num_tasks * own_experts, name="task", **options)
        self.shared_task = activated_experts(shared_experts, name="shared_task", **options)
        width = num_tasks * (own_experts + shared_experts)
        self.task_gates = self._gate(width, "task_gates")

    def _gate(self, width: int, name: str) -> Any:
        return keras.layers.Dense(width, use_bias=False, dtype="float32", name=name)

    @property
    def output_dim(self) -> int:
        return self.task.output_dim

    def build_flat(self, width: int) -> None:
        for part in (self.shared, self.shared_gate, self.own, self.own_gates):
            part.build((None, width))
        for vectors in (self.queries, self.keys):
            vectors.build((None,))
        for part in (self.task, self.shared_task, self.task_gates):
            part.build((None, 3 * self.own.output_dim))

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        c = self._of_domains(x, domain, training)
        logits = ops.reshape(self.task_gates(c), (-1, self.num_tasks, self._choices))
        own, shared = self.task(c, training=training), self.shared_task(c, training=training)
        return gated_sum(logits, own=own, shared=shared)

    def _of_domains(self, x: Any, domain: Any, training: bool | None) -> Any:
        """`C`, `[B, 3 U]`."""
        of_all = self.shared(x, training=training)
        shared = gated_sum(self.shared_gate(x)[:, None], shared=of_all)
        logits = ops.reshape(self.own_gates(x), (-1, self.num_domains, self.own_experts))
        states = gated_sum(logits, own=self.own(x, training=training))
        own = ops.one_hot(domain, self.num_domains, dtype=states.dtype)
        others = ops.cast(ops.take(self.attention(), domain, axis=0), states.dtype)
        read = ops.matmul(ops.stack([own, others], axis=1), states)
        return ops.reshape(ops.concatenate([shared, read], axis=1), (-1, 3 * states.shape[-1]))

    def attention(self) -> Any:
        """How much each domain takes from each other one, `[P, P]`, its own column 0."""
        numbers = ops.arange(self.num_domains, dtype="int32")
        logits = ops.matmul(self.queries(numbers), ops.transpose(self.keys(numbers)))
        own = ops.eye(self.num_domains)
        weights = softmax(ops.where(own > 0, NEVER, ops.cast(logits, "float32")))
        return weights * (1.0 - own)  # of a single domain the softmax would be 1

    @property
    def _choices(self) -> int:
        return self.own_experts + self.shared_experts

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.own.units,
            "task_units": self.task.units,
            "own_experts": self.own_experts,
            "shared_experts": self.shared_experts,
            "domain_dim": self.domain_dim,
            "activation": keras.activations.serialize(self.activation),
        }
