"""An MLP on tokens of which some are alike in all rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers import MLP


class FirstProductOnce(keras.layers.Layer):
    """The MLP of flat tokens: `x W` of its first layer is a sum over tokens.

    The summands of the tokens that are alike are computed for the first row alone, those of the
    others for all. Both read a copy of their part of `W`, for taking `W` apart with every call
    takes time of its own.

    Args:
        mlp: A layer for `[B, F · D]`, built.
        alike: Of each of the F tokens, whether it is the same in all rows; some are, some are not.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, H]`, that of `mlp`.
    """

    def __init__(self, mlp: MLP, alike: Sequence[bool]) -> None:
        # The kernels shall have the type here that the first layer gives its own.
        super().__init__(dtype=mlp.dtype_policy)
        self.mlp = mlp
        places = range(len(alike))
        self._once = list(compress(places, alike))
        self._each = [place for place in places if not alike[place]]

    def build(self, input_shape: Sequence[int | None]) -> None:
        _, count, width = input_shape
        kernel = self.mlp.dense_layers[0].kernel.numpy().reshape(count, width, -1)
        self._kernel_once, self._kernel_each = (
            self._copy(name, kernel[places].reshape(-1, kernel.shape[-1]))
            for name, places in (("kernel_once", self._once), ("kernel_each", self._each))
        )

    def _copy(self, name: str, values: np.ndarray) -> Any:
        weight = self.add_weight(name=name, shape=values.shape, trainable=False)
        weight.assign(values)
        return weight

    def call(self, tokens: Any) -> Any:
        product = _product(tokens, self._each, self._kernel_each)
        product += _product(tokens[:1], self._once, self._kernel_once)
        first = self.mlp.dense_layers[0]
        return self.mlp.continued(product + first.bias if first.use_bias else product)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.mlp.units[-1])


def _product(tokens: Any, places: Sequence[int], kernel: Any) -> Any:
    flat = ops.reshape(ops.take(tokens, places, axis=1), (-1, kernel.shape[0]))
    return ops.matmul(flat, kernel)
