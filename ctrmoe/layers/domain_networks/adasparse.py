"""Layers whose inputs each domain prunes for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import (
    check_choice,
    check_not_negative,
    check_positive,
    check_positive_integer,
    check_rate,
)
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_networks.domain_network import DomainNetwork
from ctrmoe.layers.routing.replicas import sum_over_replicas

PRUNERS = ("binarization", "scaling", "fusion")


@keras.saving.register_keras_serializable(package="ctrmoe")
class AdaSparse(DomainNetwork):
    """A multilayer perceptron `hˡ⁺¹ = ReLU((πˡ ⊙ hˡ) Wˡ + bˡ)` with weights πˡ of its neurons.

    With the domain's vector e and `v = [e ⊕ hˡ] Vˡ + cˡ`, the `pruner` is

        binarization    π = 1[σ(α v) > ε]
        scaling         π = β σ(v)
        fusion          π = β σ(α v) · 1[σ(α v) > ε]

    and 0 is exactly 0. In half precision `v` is rounded before it is compared in float32: a neuron
    next to the threshold can go either way. `α` is 1 at first and grows by `alpha_growth` with each
    training step, which a counter among the weights keeps, so that `σ(α v)` turns into a step; at
    inference it stays.
    The result is `πᴸ ⊙ hᴸ`, what the logit's linear map reads.

    While training, each layer that prunes adds the loss

        sparsity_weight · mean_p (r_p − r)² · 1[r_p outside kept],  r = the middle of kept

    with `r_p` the share of neurons kept in the batch's rows of domain p, and a metric
    `<name>_kept_ratio_<layer>`, the share of all rows. Where `1[·]` has to have a gradient, in that
    loss and in `binarization`, it takes that of `σ(α v − log(ε / (1 − ε)))`, which is steepest
    where the neuron goes: that of `σ(α v)` is next to nothing there, and pruned all neurons for
    good.

    Args:
        num_domains: Number of domains, domain 0 included.
        num_tasks: Number of tasks; all have the same result.
        units: Width of each layer.
        pruner: One of the above.
        domain_dim: Width of a domain's vector.
        alpha_growth: What a training step adds to `α`.
        beta: `β`.
        epsilon: `ε`.
        kept: The least and the largest share of neurons to be kept.
        sparsity_weight: Weight of the loss.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, D]`, which are flattened, and the domains, `[B]` int32.

    Output shape:
        `[B, units[-1]]`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Yang et al., AdaSparse: Learning Adaptively Sparse Structures for Multi-Domain Click-Through
        Rate Prediction, 2022, arXiv:2206.13108. `α`, `β`, `ε` and the growth
        are those of public code; `kept`, the weight of the loss, which is constant here, and the
        gradient of `1[·]` are ours.
    """

    def __init__(
        self,
        num_domains: int,
        num_tasks: int = 1,
        *,
        units: Sequence[int] = (64, 32),
        pruner: str = "fusion",
        domain_dim: int = 16,
        alpha_growth: float = 1e-4,
        beta: float = 2.0,
        epsilon: float = 0.01,
        kept: Sequence[float] = (0.75, 0.85),
        sparsity_weight: float = 0.01,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_domains, num_tasks, **kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        self.units = [check_positive_integer("units", width) for width in units]
        self.pruner = check_choice("pruner", pruner, PRUNERS)
        self.domain_dim = domain_dim
        self.alpha_growth = check_not_negative("alpha_growth", alpha_growth)
        self.beta = check_positive("beta", beta)
        self.epsilon = check_rate("epsilon", check_positive("epsilon", epsilon))
        self.threshold = math.log(epsilon / (1 - epsilon))  # of `α v`
        self.kept = list(kept)
        if len(self.kept) != 2 or not 0 <= self.kept[0] < self.kept[1] <= 1:
            raise ValueError(
                f"`kept` must be two rising numbers in [0, 1]. Received: kept={kept!r}."
            )
        self.sparsity_weight = check_not_negative("sparsity_weight", sparsity_weight)
        self.domain_embedding = DomainEmbedding(
            num_domains, domain_dim, dtype=self.dtype_policy, name="domain_embedding"
        )
        self.dense_layers = [
            keras.layers.Dense(
                width, activation="relu", dtype=self.dtype_policy, name=f"dense_{index}"
            )
            for index, width in enumerate(self.units)
        ]
        layers = range(len(self.units) + 1) if pruner != "scaling" else ()
        self.kept_ratios = [
            keras.metrics.Mean(f"{self.name}_kept_ratio_{index}") for index in layers
        ]

    @property
    def output_dim(self) -> int:
        return self.units[-1]

    def build_flat(self, width: int) -> None:
        self.step = self.add_weight(
            name="step",
            shape=(),
            initializer="zeros",
            dtype="int32",
            trainable=False,
            # Replicas count the same steps.
            aggregation="only_first_replica",
        )
        self.domain_embedding.build()
        self.pruners = []
        for index, size in enumerate([width, *self.units]):
            pruner = keras.layers.Dense(size, dtype=self.dtype_policy, name=f"pruner_{index}")
            pruner.build((None, self.domain_dim + size))
            self.pruners.append(pruner)
            if index < len(self.dense_layers):
                self.dense_layers[index].build((None, size))

    @property
    def alpha(self) -> Any:
        """`α` after the steps so far."""
        return 1 + self.alpha_growth * ops.cast(self.step, "float32")

    def call_flat(self, x: Any, domain: Any, training: bool | None) -> Any:
        vectors = self.domain_embedding(domain)
        h = x
        for index, pruner in enumerate(self.pruners):
            if index:
                h = self.dense_layers[index - 1](h)
            v = pruner(ops.concatenate([vectors, h], axis=1))
            factors, is_kept = self._factors(ops.cast(v, "float32"))
            h = ops.cast(factors, h.dtype) * h
            if training and self.pruner != "scaling":
                self._regularize(index, is_kept, domain)
        if training:
            self.step.assign_add(1)
        return h

    def _factors(self, v: Any) -> tuple[Any, Any]:
        """`π`, and `1[σ(α v) > ε]` with the gradient of a sigmoid."""
        if self.pruner == "scaling":
            return self.beta * ops.sigmoid(v), None
        logits = self.alpha * v
        above = logits - self.threshold
        hard, soft = ops.cast(above > 0, "float32"), ops.sigmoid(above)
        # The difference is 0 to the bit, where `hard + soft - soft` would not be.
        is_kept = hard + (soft - ops.stop_gradient(soft))
        if self.pruner == "binarization":
            return is_kept, is_kept
        return self.beta * ops.sigmoid(logits) * hard, is_kept

    def _regularize(self, index: int, is_kept: Any, domain: Any) -> None:
        of_rows = ops.mean(is_kept, axis=1)
        pairs = ops.stack([of_rows, ops.ones_like(of_rows)], axis=1)
        sums = ops.segment_sum(pairs, domain, num_segments=self.num_domains)
        (sums,) = sum_over_replicas(sums)
        present = sums[:, 1] > 0
        ratio = sums[:, 0] / ops.maximum(sums[:, 1], 1)
        least, largest = self.kept
        outside = ops.logical_and(present, ops.logical_or(ratio < least, ratio > largest))
        squares = ops.square(ratio - (least + largest) / 2)
        total = ops.sum(ops.where(outside, squares, 0.0))
        self.add_loss(self.sparsity_weight * total / ops.sum(ops.cast(present, "float32")))
        self.kept_ratios[index].update_state(ops.mean(of_rows))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "pruner": self.pruner,
            "domain_dim": self.domain_dim,
            "alpha_growth": self.alpha_growth,
            "beta": self.beta,
            "epsilon": self.epsilon,
            "kept": self.kept,
            "sparsity_weight": self.sparsity_weight,
        }
