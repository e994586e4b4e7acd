"""Numbers by the bins between quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.numeric.numeric_layer import NumericLayer


@keras.saving.register_keras_serializable(package="ctrmoe")
class PiecewiseLinearEmbedding(NumericLayer):
    """Projects how far a number reaches into each of a field's bins, `e = f(p W + b)`, with

        p_t = clip((x - b_{t-1}) / (b_t - b_{t-1}), 0, 1)

    where the first bin is open below and the last above, so that `p_1` may be negative and `p_T`
    above 1. The edges `b_0 < … < b_T` are quantiles; equal ones make one bin of several. A field
    with one quantile only has the bin `[b_0, b_0 + 1]`.

    Args:
        embedding_dim: Width `D` of the tokens.
        quantiles: Of each field the numbers in ascending order that divide it into equal shares.
        num_bins: Number of bins, before equal edges; it divides `len(quantiles[0]) - 1`.
        activation: `f`; None is the paper's Q-L form, `"relu"` its Q-LR form.
        initializer: Initializer of `W` and of the vector of missing numbers.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32, with `N = len(quantiles)`.

    Output shape:
        `[B, N, D]` in the variables' dtype, whatever the compute dtype.

    Raises:
        ValueError: If a field has no quantiles, they do not ascend, or `num_bins` does not divide
            their number less one.

    Reference:
        Gorishniy et al., On Embeddings for Numerical Features in Tabular Deep Learning, 2022,
        arXiv:2203.05556, piecewise linear encoding. The vector of missing numbers is not in
        the paper.

    Example:

    >>> PiecewiseLinearEmbedding(4, quantiles=[[0.0, 1.0, 5.0]], num_bins=2)([[0.5]]).shape
    TensorShape([1, 1, 4])
    """

    def __init__(
        self,
        embedding_dim: int,
        *,
        quantiles: Sequence[Sequence[float]],
        num_bins: int = 32,
        activation: Any = None,
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(embedding_dim, initializer=initializer, **kwargs)
        self.quantiles = [list(map(float, field)) for field in quantiles]
        self.num_bins = check_positive_integer("num_bins", num_bins)
        self.activation = keras.activations.get(activation)
        edges = [_edges(field, num_bins) for field in self.quantiles]
        width = max(map(len, edges), default=2) - 1
        # Fields with fewer bins are filled up with bins that every number reaches 0 into.
        shape = (len(edges), width)
        self._starts, self._lowest, self._highest = (np.zeros(shape, "float32") for _ in range(3))
        self._widths = np.ones(shape, "float32")
        for field, own in enumerate(edges):
            bins = len(own) - 1
            self._starts[field, :bins] = own[:-1]
            self._widths[field, :bins] = np.diff(own)
            self._highest[field, :bins] = 1
            self._lowest[field, 0], self._highest[field, bins - 1] = -np.inf, np.inf

    def build(self, input_shape: Sequence[int | None]) -> None:
        if input_shape[-1] != len(self.quantiles):
            raise ValueError(
                "`quantiles` must be given for every field of the input. "
                f"Received: {len(self.quantiles)} for an input of shape {tuple(input_shape)}."
            )
        super().build(input_shape)
        kernels = (*self._starts.shape, self.embedding_dim)
        self.kernels = self.add_vectors("kernels", kernels)
        biases = (len(self.quantiles), self.embedding_dim)
        self.biases = self.add_vectors("biases", biases, keras.initializers.Zeros())

    def embed(self, numbers: Any) -> Any:
        reach = (ops.expand_dims(numbers, -1) - self._starts) / self._widths
        reach = ops.minimum(ops.maximum(reach, self._lowest), self._highest)
        return self.activation(ops.einsum("bnt,ntd->bnd", reach, self.kernels) + self.biases)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "quantiles": self.quantiles,
            "num_bins": self.num_bins,
            "activation": keras.activations.serialize(self.activation),
        }


def _edges(quantiles: list[float], num_bins: int) -> np.ndarray:
    """The distinct ones of every so many quantiles, in float32."""
    given = len(quantiles) - 1
    finite = given >= 0 and np.isfinite(quantiles).all()
    if not finite or np.any(np.diff(quantiles) < 0):
        raise ValueError(
            f"`quantiles` must be ascending numbers, one at least. Received: quantiles={quantiles}."
        )
    if given % num_bins:
        raise ValueError(
            f"`num_bins` must divide the {given} bins of the quantiles. "
            f"Received: num_bins={num_bins}."
        )
    edges = np.unique(np.array(quantiles[:: given // num_bins or 1], "float32"))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1], "float32")
