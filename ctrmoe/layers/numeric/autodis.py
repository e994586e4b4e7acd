"""Soft discretisation of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_not_negative, check_positive, check_positive_integer
from ctrmoe.layers.numeric.numeric_layer import NumericLayer


@keras.saving.register_keras_serializable(package="ctrmoe")
class AutoDis(NumericLayer):
    """Weighs `M` meta-embeddings of a field by how much the number belongs to each:

        h = leaky_relu(w x)
        s = h W + α h
        e = Σ_k softmax(s / τ)_k E_k

    with `w` and `h` of M entries, `W` M × M and the meta-embeddings `E` M × D, all of them a
    field's own. Give the numbers a transform: the softmax of raw counts saturates.

    Args:
        embedding_dim: Width `D` of the tokens.
        num_embeddings: Number `M` of meta-embeddings.
        skip: The factor α of the skip connection.
        temperature: τ; the smaller, the closer the softmax is to one bucket.
        initializer: Initializer of the meta-embeddings and of the vector of missing numbers.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, N]` float32.

    Output shape:
        `[B, N, D]` in the variables' dtype, whatever the compute dtype.

    Raises:
        ValueError: If an option is outside its range.

    Reference:
        Guo et al., An Embedding Learning Framework for Numerical Features in CTR Prediction, 2021,
        arXiv:2012.08986, with the weighted average as aggregation. The vector of
        missing numbers is not in the paper, nor is the leaky ReLU's slope, here 0.2.

    Example:

    >>> AutoDis(4)(keras.ops.ones((2, 3))).shape
    TensorShape([2, 3, 4])
    """

    def __init__(
        self,
        embedding_dim: int,
        *,
        num_embeddings: int = 20,
        skip: float = 0.1,
        temperature: float = 1.0,
        initializer: Any = "uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(embedding_dim, initializer=initializer, **kwargs)
        self.num_embeddings = check_positive_integer("num_embeddings", num_embeddings)
        self.skip = check_not_negative("skip", skip)
        self.temperature = check_positive("temperature", temperature)

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        fields, width = input_shape[-1], self.num_embeddings
        # Each field's `w` is a 1 × M kernel and its `W` an M × M one.
        limit = (6 / (1 + width)) ** 0.5
        uniform = keras.initializers.RandomUniform
        self.scales = self.add_vectors("scales", (fields, width), uniform(-limit, limit))
        limit = (6 / (2 * width)) ** 0.5
        self.kernels = self.add_vectors("kernels", (fields, width, width), uniform(-limit, limit))
        self.embeddings = self.add_vectors("embeddings", (fields, width, self.embedding_dim))

    def embed(self, numbers: Any) -> Any:
        hidden = ops.leaky_relu(ops.expand_dims(numbers, -1) * self.scales)
        scores = ops.einsum("bnk,nkm->bnm", hidden, self.kernels) + self.skip * hidden
        shares = ops.softmax(scores / self.temperature)
        return ops.einsum("bnm,nmd->bnd", shares, self.embeddings)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_embeddings": self.num_embeddings,
            "skip": self.skip,
            "temperature": self.temperature,
        }
