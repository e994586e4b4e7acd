"""Shared experts, experts of domains and experts of tasks, with learned weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.domain_experts import DomainExperts
from ctrmoe.layers.domain_networks.activated_experts import activated_experts
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.domain_networks.gated_sum import gated_sum
from ctrmoe.layers.mlp import MLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class M3oE(DomainNetwork):
    """Three groups of experts over a representation with shared and domain's weights.

    For a row x of domain p, with P domains, T tasks and `sg` for no gradient:

        z   = MLP(x (W ⊙ W_p) + b + b_p) + x V + c
        s   = Σ_j softmax(U_p sg(z) + u_p)_j E_j(z)                 shared experts
        d   = β_d D_p(z) + (1 - β_d) / (P - 1) · Σ_{q≠p} D_q(z)      experts of domains
        e_t = β_t F_t(z) + (1 - β_t) / (T - 1) · Σ_{u≠t} F_u(z)      experts of tasks
        y_t = s + w_d d + w_t e_t

    `β` and `w` are sigmoids of four learned numbers; at first `w` is 0.5 and `β` 0.73, since at 0.5
    two tasks would be one. With one task there are no experts of tasks. Every row reads the experts
    of all domains, so that a step's cost grows with their number.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks, T.
        star_dim: Width of `W`.
        units: Widths of the MLP.
        expert_units: Width of each layer of an expert.
        num_experts: Number of shared experts.
        activation: Activation of every layer.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, T, expert_units[-1]]`.

    Raises:
        ValueError: If a number is not a positive integer or no width is given.

    Reference:
        Zhang et al., M3oE: Multi-Domain Multi-Task Mixture-of-Experts Recommendation Framework,
        2024, arXiv:2404.18465. The paper finds `β` and `w` in a search of their own, on other
        rows than the weights; here all are learned together. The experts have no normalisation.

    Example:

    >>> network = M3oE(3, num_tasks=2, expert_units=[8])
    >>> network(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 2, 8])
    """

    by_task = True

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        star_dim: int = 128,
        units: Sequence[int] = (64,),
        expert_units: Sequence[int] = (64,),
        num_experts: int = 4,
        activation: Any = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        self.star_dim = check_positive_integer("star_dim", star_dim)
        self.activation = keras.activations.get(activation)
        policy = self.dtype_policy
        self.star = DomainExperts(
            num_domains, [star_dim], kind="product", dtype=policy, name="star"
        )
        self.mlp = MLP(units, activation=self.activation, dtype=policy, name="mlp")
        self.skip = keras.layers.Dense(self.mlp.units[-1], dtype=policy, name="skip")
        options = {"units": expert_units, "activation": self.activation, "dtype": policy}
        self.shared = activated_experts(num_experts, name="shared", **options)
        self.gates = DomainExperts(num_domains, [num_experts], dtype="float32", name="gates")
        self.domains = activated_experts(num_domains, rows_per_domain=1, name="domains", **options)
        self.tasks = None
        if num_tasks > 1:
            self.tasks = activated_experts(num_tasks, name="tasks", **options)

    @property
    def output_dim(self) -> int:
        return self.shared.output_dim

    def build_flat(self, width: int) -> None:
        self.star.build((None, width))
        self.mlp.build((None, self.star_dim))
        self.skip.build((None, width))
        for part in (self.gates, self.shared, self.domains, self.tasks):
            if part is not None:
                part.build((None, self.mlp.units[-1]))
        self.own_domain = self._share("own_domain", "ones")
        self.domain_share = self._share("domain_share", "zeros")
        if self.tasks is not None:
            self.own_task = self._share("own_task", "ones")
            self.task_share = self._share("task_share", "zeros")

    def _share(self, name: str, initializer: str) -> Any:
        return self.add_weight(name=name, shape=(), initializer=initializer)

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        z = self.mlp(self.star(x, domain), training=training) + self.skip(x)
        logits = self.gates(ops.stop_gradient(z), domain)[:, None]
        y = gated_sum(logits, shared=self.shared(z, training=training))
        own = ops.one_hot(domain, self.num_domains, dtype=z.dtype)[:, None]
        of_domains = ops.matmul(_mean(own, self.own_domain), self.domains(z, training=training))
        y = y + ops.sigmoid(self.domain_share) * of_domains
        if self.tasks is None:
            return y
        own = ops.eye(self.num_tasks, dtype=z.dtype)
        of_tasks = ops.matmul(_mean(own, self.own_task), self.tasks(z, training=training))
        return y + ops.sigmoid(self.task_share) * of_tasks

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "star_dim": self.star_dim,
            "units": self.mlp.units,
            "expert_units": self.shared.units,
            "num_experts": self.shared.num_experts,
            "activation": keras.activations.serialize(self.activation),
        }


def _mean(own: Any, share: Any) -> Any:
    """Weights `σ(share)` of the own expert, the rest equally for the others; `own` is one-hot."""
    of_own = ops.sigmoid(share)
    return own * of_own + (1 - own) * (1 - of_own) / max(own.shape[-1] - 1, 1)
