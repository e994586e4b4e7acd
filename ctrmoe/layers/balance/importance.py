"""Balance of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.balance.balance_loss import BalanceLoss
from ctrmoe.layers.routing.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="ctrmoe")
class Importance(BalanceLoss):
    """Squared coefficient of variation of the experts' sums of probabilities, 0 if all are equal.

    Reference:
        Shazeer et al., Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts
        Layer, 2017, arXiv:1701.06538, with the probabilities of all experts instead of the gates
        of the chosen ones, which have no gradient elsewhere.
    """

    def call(self, routing: Mapping[str, Any], context: Mapping[str, Any]) -> Any:
        (importance,) = sum_over_replicas(ops.sum(routing["probs"], axis=0))
        return ops.var(importance) / ops.square(ops.mean(importance))
