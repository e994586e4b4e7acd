"""The cross network of DCN-v2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from keras_rs.layers import FeatureCross

from ctrmoe.layers._checks import check_positive_integer, check_tokens


@keras.saving.register_keras_serializable(package="ctrmoe")
class CrossNetwork(keras.layers.Layer):
    """Crosses the entries of all tokens, side by side in `x_0`, layer by layer:

        x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l

    Args:
        num_layers: Number of layers.
        projection_dim: Width r of the low-rank form `W = U Vᵀ`; None for a full matrix.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, F, D]`.

    Raises:
        ValueError: If an argument is no positive integer.

    Reference:
        Wang et al., DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale
        Learning to Rank Systems, 2021, arXiv:2008.13535. The layers are
        keras-rs's `FeatureCross`. An MLP beside it makes the paper's parallel structure.

    Example:

    >>> CrossNetwork(num_layers=2)(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2, 3, 4])
    """

    def __init__(
        self, *, num_layers: int = 3, projection_dim: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_layers = check_positive_integer("num_layers", num_layers)
        if projection_dim is not None:
            check_positive_integer("projection_dim", projection_dim)
        self.projection_dim = projection_dim
        self.crosses = [
            FeatureCross(projection_dim, dtype=self.dtype_policy, name=f"cross_{i}")
            for i in range(num_layers)
        ]

    def build(self, input_shape: Sequence[int | None]) -> None:
        fields, dim = check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(shape=(None, fields, dim))
        width = fields * dim
        for cross in self.crosses:
            cross.build((None, width))
            # It leaves its dense layers unbuilt, and reloading would then skip their weights.
            if self.projection_dim:
                cross.down_proj_dense.build((None, width))
            cross.dense.build((None, self.projection_dim or width))

    def call(self, inputs: Any) -> Any:
        fields, dim = inputs.shape[1:]
        x = first = ops.reshape(inputs, (-1, fields * dim))
        for cross in self.crosses:
            x = cross(first, x)
        return ops.reshape(x, (-1, fields, dim))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Sequence[int | None]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "projection_dim": self.projection_dim,
        }
