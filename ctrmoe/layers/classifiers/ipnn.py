"""IPNN: an MLP that reads the inner products of fields."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers.classifiers.classifier import Classifier, flatten


@keras.saving.register_keras_serializable(package="ctrmoe")
class IPNN(Classifier):
    """`MLP(x_1 ⊕ … ⊕ x_N ⊕ ⟨x_1, x_2⟩ ⊕ ⟨x_1, x_3⟩ ⊕ … ⊕ ⟨x_{N−1}, x_N⟩)`.

    Its arguments are those of `Classifier`. The products are the upper triangle of `X Xᵀ`, so
    that no tensor of all pairs and embedding columns exists.

    Input shape:
        `[B, N, D]`.

    Output shape:
        `[B, units[-1]]`.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Qu et al., Product-based Neural Networks for User Response Prediction, 2016,
        arXiv:1611.00144, section III-A with the products of pairs themselves, as FGCNN (Liu et
        al., 2019, arXiv:1904.04447) reads them; the paper also factorises their weights.

    Example:

    >>> IPNN([8, 4])(keras.ops.ones((2, 3, 5))).shape
    TensorShape([2, 4])
    """

    def _features(self, tokens: Any) -> Any:
        if tokens.shape[1] == 1:
            return flatten(tokens)
        return ops.concatenate([flatten(tokens), inner_products(tokens)], axis=1)

    def _width(self, tokens: int, dim: int) -> int:
        return tokens * dim + tokens * (tokens - 1) // 2


@ops.custom_gradient
def inner_products(tokens: Any) -> Any:
    """`⟨x_i, x_j⟩` of all `i < j`, row by row of the triangle, `[B, N (N − 1) / 2]`.

    The gradient is a product with a symmetric matrix, gathered too: that of a gather would be a
    scatter, which is slow.
    """
    count = tokens.shape[1]
    above = np.triu_indices(count, 1)
    pairs = len(above[0])
    gram = ops.reshape(ops.matmul(tokens, _transpose(tokens)), (-1, count * count))
    products = ops.take(gram, np.ravel_multi_index(above, (count, count)), axis=1)

    def gradient(*args: Any, upstream: Any = None) -> Any:
        upstream = args[0] if upstream is None else upstream
        # The pair of each entry of the matrix; on the diagonal a zero after the last pair.
        places = np.full((count, count), pairs)
        places[above] = np.arange(pairs)
        places = np.minimum(places, places.T)
        padded = ops.pad(upstream, ((0, 0), (0, 1)))
        symmetric = ops.take(padded, places.ravel(), axis=1)
        return ops.matmul(ops.reshape(symmetric, (-1, count, count)), tokens)

    return products, gradient


def _transpose(x: Any) -> Any:
    return ops.transpose(x, (0, 2, 1))
