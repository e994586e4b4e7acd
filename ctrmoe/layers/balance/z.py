"""Small logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.balance.balance_loss import BalanceLoss


@keras.saving.register_keras_serializable(package="ctrmoe")
class ZLoss(BalanceLoss):
    """`mean_t (log Σ_e exp z_te)²`, which keeps the logits of a router from growing.

    Reference:
        Zoph et al., ST-MoE: Designing Stable and Transferable Sparse Expert Models, 2022,
        arXiv:2202.08906. Masked experts add nothing to the sum.
    """

    def call(self, routing: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        return ops.mean(ops.square(ops.logsumexp(routing["logits"], axis=-1)))
