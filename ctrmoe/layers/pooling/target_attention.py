"""Sum of a sequence weighted by what a candidate makes of each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.interactions.cross_attention import padding_score
from ctrmoe.layers.pooling.dice import Dice
from ctrmoe.layers.pooling.pooling import Pooling


@keras.saving.register_keras_serializable(package="ctrmoe")
class TargetAttention(Pooling):
    """Weighs the tokens of a sequence by their relevance to a query.

        w_t = MLP([q, s_t, q − s_t, q ∘ s_t])
        v = Σ_t w_t s_t

    over the tokens that are not padding; a row of padding gives zeros. The MLP ends in one linear
    unit. With `softmax` the weights of a row sum to 1.

    Args:
        units: Widths of the MLP's hidden layers.
        activation: Activation of the hidden layers: `"dice"`, `"prelu"` (one slope for each unit)
            or any name or function that Keras knows.
        softmax: Whether the weights are normalised.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `sequence` `[B, L, D]`, `mask` `[B, L]`, true where there is no padding, and `query`
        `[B, D]`, the candidate.

    Output shape:
        `[B, D]`.

    Raises:
        ValueError: If `units` is empty or holds anything but positive integers, or there is no
            `query` as wide as the sequence.

    Reference:
        Zhou et al., Deep Interest Network for Click-Through Rate Prediction, 2018,
        arXiv:1706.06978: the local activation unit, whose weights the paper does not normalise.
        What the MLP reads and the default widths are those of the authors' program; its softmax
        also divides the scores by √D.

    Example:

    >>> sequence, query = keras.ops.ones((2, 5, 4)), keras.ops.ones((2, 4))
    >>> TargetAttention()(sequence, keras.ops.ones((2, 5), "bool"), query).shape
    TensorShape([2, 4])
    """

    reads_query = True

    def __init__(
        self,
        *,
        units: Sequence[int] = (80, 40),
        activation: Any = "dice",
        softmax: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        self.units = [check_positive_integer("units", width) for width in units]
        trainable = activation in ("dice", "prelu")
        self.activation = activation if trainable else keras.activations.get(activation)
        self.softmax = softmax
        dtype = self.dtype_policy
        self.hidden = [
            keras.layers.Dense(width, dtype=dtype, name=f"dense_{i}")
            for i, width in enumerate(self.units)
        ]
        self.activations = [self._activation(f"activation_{i}") for i in range(len(self.units))]
        # A bias would add the same to all scores of a row, which the softmax cancels.
        self.score = keras.layers.Dense(1, use_bias=not softmax, dtype=dtype, name="score")

    def _activation(self, name: str) -> Any:
        if self.activation == "dice":
            return Dice(dtype=self.dtype_policy, name=name)
        if self.activation == "prelu":
            return keras.layers.PReLU(shared_axes=[1], dtype=self.dtype_policy, name=name)
        return keras.layers.Activation(self.activation, dtype=self.dtype_policy, name=name)

    def build(self, sequence_shape: Sequence[int | None], query_shape: Any = None) -> None:
        batch, length = sequence_shape[:2]
        dim: Any = sequence_shape[-1]
        if query_shape is None or query_shape[-1] != dim:
            raise ValueError(
                f"`query` must be given and as wide as the sequence, {dim}. "
                f"Received: query.shape={None if query_shape is None else tuple(query_shape)}."
            )
        width = 4 * dim
        for dense, activation, units in zip(self.hidden, self.activations, self.units, strict=True):
            dense.build((batch, length, width))
            activation.build((batch, length, units))
            width = units
        self.score.build((batch, length, width))

    def call(
        self, sequence: Any, mask: Any, query: Any = None, training: bool | None = None
    ) -> Any:
        keep = ops.cast(mask, "bool")
        sequence = ops.where(keep[:, :, None], sequence, 0.0)
        weights = self._weights(sequence, keep, query, training)
        return ops.matmul(weights[:, None, :], sequence)[:, 0]

    def attention(self, sequence: Any, mask: Any, query: Any) -> Any:
        """Weights w at inference, `[B, L]`; 0 for padding, unless `softmax` finds only padding."""
        keep = ops.cast(mask, "bool")
        sequence = ops.where(keep[:, :, None], sequence, 0.0)
        weights = self._weights(sequence, keep, query, training=False)
        return ops.where(keep, weights, 0.0)

    def _weights(self, sequence: Any, keep: Any, query: Any, training: bool | None) -> Any:
        query = ops.broadcast_to(query[:, None, :], ops.shape(sequence))
        x = ops.concatenate([query, sequence, query - sequence, query * sequence], axis=-1)
        for dense, activation in zip(self.hidden, self.activations, strict=True):
            x = dense(x)
            if self.activation == "dice":
                x = activation(x, keep=keep, training=training)
            else:
                x = activation(x)
        scores = self.score(x)[:, :, 0]
        if not self.softmax:
            return scores
        return ops.softmax(ops.where(keep, scores, padding_score(self.compute_dtype)))

    def get_config(self) -> dict[str, Any]:
        activation = self.activation
        if not isinstance(activation, str):
            activation = keras.activations.serialize(activation)
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activation,
            "softmax": self.softmax,
        }
