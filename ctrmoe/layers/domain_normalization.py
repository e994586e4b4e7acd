"""Batch normalisation with statistics of each domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive, check_positive_integer, check_rate
from ctrmoe.layers.known_domain import known_domain


@keras.saving.register_keras_serializable(package="ctrmoe")
class DomainNormalization(keras.layers.Layer):
    """Normalises a row by its domain: `(γ ⊙ γ_p) (x − m_p) / √(v_p + ε) + β + β_p`.

    While training, `m_p` and `v_p` are mean and variance of the batch's rows of domain p, and the
    moving statistics of p follow them; at inference they are the moving statistics, so that a row's
    result is its own. A domain without a row in the batch keeps its statistics. One row alone has
    no variance: it is normalised by the moving statistics, which learn its value and its squared
    distance from their mean. Those of a domain that was never seen are 0 and 1.

    The moving statistics are the mean over the domain's batches at first, in which the initial 0
    and 1 count as one batch, and a moving average as soon as that forgets faster: a domain that is
    in few batches is otherwise still at 0 and 1 when it is served. Their variance divides by one
    row less, which for a few rows a batch is far from nothing.

    Computed in float32 whatever the policy. On several devices each normalises its own rows, as
    Keras's BatchNormalization does, and the moving statistics are the mean over the devices.
    A layer that is not trainable works as at inference.

    Args:
        num_domains: Number of domains, P, domain 0 included, which takes any number that is none.
        momentum: Share of the moving statistics that a batch leaves.
        epsilon: `ε`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` and the domains, `[B]` int32.

    Output shape:
        `[B, H]`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Sheng et al., One Model to Serve All: Star Topology Adaptive Recommender for Multi-Domain
        CTR Prediction, 2021, arXiv:2101.11427, partitioned normalisation. What
        happens to one row, and how the moving statistics begin, is ours.

    Example:

    >>> normalization = DomainNormalization(3)
    >>> normalization(keras.ops.ones((2, 4)), keras.ops.array([0, 2])).shape
    TensorShape([2, 4])
    """

    rows_per_domain = 1

    def __init__(
        self, num_domains: int, *, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_domains = check_positive_integer("num_domains", num_domains)
        self.momentum = check_rate("momentum", momentum)
        self.epsilon = check_positive("epsilon", epsilon)
        self.input_spec = keras.layers.InputSpec(ndim=2)

    def build(self, input_shape: Sequence[int | None]) -> None:
        width = int(input_shape[-1] or 0)
        self.input_spec = keras.layers.InputSpec(shape=(None, width))
        # The last row of γ and β is for all domains.
        self.gamma = self._weight("gamma", (self.num_domains + 1, width), "ones")
        self.beta = self._weight("beta", (self.num_domains + 1, width), "zeros")
        self.moving_mean = self._state("moving_mean", width, "zeros")
        self.moving_variance = self._state("moving_variance", width, "ones")
        self.batches = self._state("batches", 1, "ones")

    def _weight(self, name: str, shape: Sequence[int], initializer: str, **options: Any) -> Any:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, autocast=False, **options
        )

    def _state(self, name: str, width: int, initializer: str) -> Any:
        shape = (self.num_domains, width)
        return self._weight(name, shape, initializer, trainable=False, aggregation="mean")

    def call(self, inputs: Any, domain: Any, training: bool | None = None) -> Any:
        domain = known_domain(domain, self.num_domains)
        x = ops.cast(inputs, "float32")
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance = self._statistics(x, domain)
        scale = self.gamma[:-1] * self.gamma[-1] * ops.rsqrt(variance + self.epsilon)
        shift = self.beta[:-1] + self.beta[-1]
        y = (x - ops.take(mean, domain, axis=0)) * ops.take(scale, domain, axis=0)
        return ops.cast(y + ops.take(shift, domain, axis=0), self.compute_dtype)

    def _statistics(self, x: Any, domain: Any) -> tuple[Any, Any]:
        """Mean and variance of each domain, `[P, H]`, of the batch where it has two rows of it."""
        count = self._sums(ops.ones_like(x[:, :1]), domain)
        mean = self._sums(x, domain) / ops.maximum(count, 1)
        several = count > 1
        center = ops.where(several, mean, self.moving_mean)
        squares = self._sums(ops.square(x - ops.take(center, domain, axis=0)), domain)
        variance = ops.where(several, squares / ops.maximum(count, 1), self.moving_variance)
        self._move(count, mean, squares)
        return center, variance

    def _sums(self, values: Any, domain: Any) -> Any:
        return ops.segment_sum(values, domain, num_segments=self.num_domains)

    def _move(self, count: Any, mean: Any, squares: Any) -> None:
        present = ops.cast(count > 0, "float32")
        rate = present * ops.maximum(1 - self.momentum, 1 / (self.batches + 1))
        variance = squares / ops.maximum(count - 1, 1)
        for state, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            state.assign(state + rate * (value - state))
        self.batches.assign(self.batches + present)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_domains": self.num_domains,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
