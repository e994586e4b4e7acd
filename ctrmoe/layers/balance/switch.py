"""Balance of the load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.balance.balance_loss import BalanceLoss, chosen_shares
from ctrmoe.layers.known_domain import known_domain
from ctrmoe.layers.routing.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="ctrmoe")
class SwitchBalance(BalanceLoss):
    """`E · Σ_e f_e P_e`: 1 where all experts are used alike, E where all rows go to one.

    `f_e` is the share of the choices that went to expert e, `P_e` the mean of its probabilities;
    only the latter has a gradient. With `num_domains` both are taken in each domain by itself, and
    the mean over the domains in the batch counts: over all rows the loss would also fight what
    tells domains apart.

    Args:
        weight: What the mixture multiplies the loss by, a number or a `Schedule`'s options.
        num_domains: Number of domains, domain 0 included, which takes any number that is none; 0
            for all rows together.
        **kwargs: Arguments of `keras.layers.Layer`.

    Reference:
        Fedus et al., Switch Transformers: Scaling to Trillion Parameter Models with Simple and
        Efficient Sparsity, 2021, arXiv:2101.03961, where a row has one expert.
    """

    def __init__(
        self,
        weight: float | Mapping[str, Any] = 0.01,
        *,
        num_domains: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(weight, **kwargs)
        self.num_domains = num_domains and check_positive_integer("num_domains", num_domains)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*super().needs, "domain") if self.num_domains else super().needs

    def call(self, routing: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        shares, probs = chosen_shares(routing), routing["probs"]
        experts = probs.shape[-1]
        member = ops.ones_like(probs[:, :1])
        if self.num_domains:
            domain = known_domain(context["domain"], self.num_domains)
            member = ops.one_hot(domain, self.num_domains, dtype="float32")
        sums = (ops.matmul(ops.transpose(member), x) for x in (shares, probs))
        counts, f, p = sum_over_replicas(ops.sum(member, axis=0), *sums)
        divisor = ops.maximum(counts, 1)[:, None]
        f, p = f / divisor, p / divisor
        present = ops.cast(counts > 0, "float32")
        return experts * ops.sum(ops.sum(f * p, axis=1) * present) / ops.sum(present)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_domains": self.num_domains}
