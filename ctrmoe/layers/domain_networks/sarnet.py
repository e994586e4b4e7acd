"""Inputs transformed by domain, and experts of which some are a domain's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.dispatch import dispatch
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.experts.feed_forward import FeedForwardExperts


@keras.saving.register_keras_serializable(package="ctrmoe")
class SARNet(DomainNetwork):
    """Scenario-aware ranking network: scales of the input, and a mixture of shared and own experts.

        v = x ⊙ w_p + b_p
        y = Σ_j g_j E_j(v),  g = softmax(v W + c) over n shared experts and the m of domain p

    A row computes the shared experts and those of its own domain only, so that the cost does not
    grow with the number of domains. At first `w_p` are ones and `b_p` zeros.

    Args:
        num_domains: Number of domains, P, domain 0 included.
        num_tasks: Number of tasks; all have the same result.
        units: Width of each layer of an expert; the last is linear.
        shared_experts: Number of experts of all domains, n.
        own_experts: Number of experts of each domain, m.
        activation: Activation of an expert's hidden layers.
        dropout: Share of the hidden layers' outputs set to zero while training.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, units[-1]]`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Shen et al., SAR-Net: A Scenario-Aware Ranking Network for Personalized Fair Recommendation
        in Hundreds of Travel Scenarios, 2021, arXiv:2110.06475. There the
        transform is of interests found by attention, here of what the interaction gives; the
        coefficients against the bias of promoted items are left out. Numbers and widths of experts
        are those of Scenario-Wise-Rec, which normalises each expert's input by batch besides.

    Example:

    >>> network = SARNet(3, units=[8])
    >>> network(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        units: Sequence[int] = (16,),
        shared_experts: int = 8,
        own_experts: int = 2,
        activation: Any = "relu",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        self.shared_experts = check_positive_integer("shared_experts", shared_experts)
        self.own_experts = check_positive_integer("own_experts", own_experts)
        options = {"units": units, "activation": activation, "dropout": dropout}
        self.shared = self._bank("shared_experts", shared_experts, options)
        self.own = self._bank("own_experts", num_domains * own_experts, options)
        self.own.rows_per_domain = own_experts
        self.gate = keras.layers.Dense(
            shared_experts + own_experts, activation="softmax", dtype="float32", name="gate"
        )

    def _bank(self, name: str, num_experts: int, options: dict[str, Any]) -> FeedForwardExperts:
        return FeedForwardExperts(num_experts, **options, dtype=self.dtype_policy, name=name)

    @property
    def output_dim(self) -> int:
        return self.shared.output_dim

    def build_flat(self, width: int) -> None:
        self.scales = self._vectors("scales", width, "ones")
        self.offsets = self._vectors("offsets", width, "zeros")
        for part in (self.shared, self.own, self.gate):
            part.build((None, width))

    def _vectors(self, name: str, width: int, initializer: str) -> DomainEmbedding:
        vectors = DomainEmbedding(
            self.num_domains, width, initializer=initializer, dtype=self.dtype_policy, name=name
        )
        vectors.build()
        return vectors

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        x = x * self.scales(domain) + self.offsets(domain)
        gate = self.gate(x)
        n, m = self.shared_experts, self.own_experts
        first = domain[:, None]
        shared = {"index": 0 * first + ops.arange(n, dtype="int32"), "gate": gate[:, :n]}
        own = {"index": m * first + ops.arange(m, dtype="int32"), "gate": gate[:, n:]}
        (y,) = dispatch(x, [shared], self.shared, training=training)
        return y + dispatch(x, [own], self.own, training=training)[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.shared.units,
            "shared_experts": self.shared_experts,
            "own_experts": self.own_experts,
            "activation": keras.activations.serialize(self.shared.activation),
            "dropout": self.shared.dropout,
        }
