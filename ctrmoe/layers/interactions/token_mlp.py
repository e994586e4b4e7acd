"""Feed-forward network over the tokens of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_tokens


@keras.saving.register_keras_serializable(package="ctrmoe")
class TokenMLP(keras.layers.Layer):
    """Maps the tokens of a row, flattened, to other tokens: `x ← ReLU(x W + b)`, the last linear.

    Args:
        counts: Width of each layer in tokens: `counts[-1]` tokens come out.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, counts[-1], D]`.

    Raises:
        ValueError: If `counts` is empty or holds anything but positive integers.

    Example:

    >>> TokenMLP([4, 2])(keras.ops.ones((5, 3, 8))).shape
    TensorShape([5, 2, 8])
    """

    def __init__(self, counts: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not counts:
            raise ValueError(f"`counts` must name at least one width. Received: counts={counts!r}.")
        self.counts = [check_positive_integer("counts", count) for count in counts]

    def build(self, input_shape: Sequence[int | None]) -> None:
        fields, dim = check_tokens(input_shape)
        widths = [fields * dim, *(count * dim for count in self.counts)]
        # Weights of its own and no Dense: their widths are unknown before the tokens are.
        self.kernels = [
            self.add_weight(shape=widths[i : i + 2], name=f"kernel_{i}")
            for i in range(len(self.counts))
        ]
        self.biases = [
            self.add_weight(shape=(width,), initializer="zeros", name=f"bias_{i}")
            for i, width in enumerate(widths[1:])
        ]

    def call(self, inputs: Any) -> Any:
        fields, dim = inputs.shape[1:]
        x = ops.reshape(inputs, (-1, fields * dim))
        last = len(self.counts) - 1
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = ops.matmul(x, kernel) + bias
            x = x if i == last else ops.relu(x)
        return ops.reshape(x, (-1, self.counts[-1], dim))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.counts[-1], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "counts": self.counts}
