"""FM: all products of two fields in one token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_tokens


@keras.saving.register_keras_serializable(package="ctrmoe")
class FM(keras.layers.Layer):
    """Sums the products of all pairs of tokens, in time linear in their number:

        Σ_{i<j} x_i ⊙ x_j = ½ ((Σ_i x_i)² − Σ_i x_i²)

    Args:
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, 1, D]`.

    Reference:
        Rendle, Factorization Machines, 2010. The paper sums the
        entries too; here what follows does so with weights of its own, as in neural FM (He and
        Chua, 2017, arXiv:1708.05027).

    Example:

    >>> FM()(keras.ops.ones((2, 3, 4))).shape
    TensorShape([2, 1, 4])
    """

    def build(self, input_shape: Sequence[int | None]) -> None:
        check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        return ops.expand_dims(sum_of_products(inputs), axis=1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], 1, input_shape[2])


def sum_of_products(tokens: Any) -> Any:
    """`Σ_{i<j} x_i ⊙ x_j`, `[B, D]`."""
    total = ops.sum(tokens, axis=1)
    return 0.5 * (ops.square(total) - ops.sum(ops.square(tokens), axis=1))
