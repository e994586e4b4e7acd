"""Numeric embeddings: layers from numbers to tokens, `[B, N] → [B, N, D]`, or to one token.

NaN is a missing number: it is read as trainable weights of its own.
"""

from typing import Any

from ctrmoe.layers.numeric.autodis import AutoDis
from ctrmoe.layers.numeric.bottom_mlp import BottomMLP
from ctrmoe.layers.numeric.linear import NumericEmbedding
from ctrmoe.layers.numeric.periodic import PeriodicEmbedding
from ctrmoe.layers.numeric.piecewise_linear import PiecewiseLinearEmbedding

NUMERIC_EMBEDDINGS: dict[str, type[Any]] = {
    "autodis": AutoDis,
    "bottom_mlp": BottomMLP,
    "linear": NumericEmbedding,
    "periodic": PeriodicEmbedding,
    "piecewise_linear": PiecewiseLinearEmbedding,
}
