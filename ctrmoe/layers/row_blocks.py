"""Runs a layer over blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice


@keras.saving.register_keras_serializable(package="ctrmoe")
class RowBlocks(keras.layers.Wrapper):
    """Computes `layer(x)` in blocks of rows whose intermediate results fit the cache.

    Args:
        layer: A layer whose output for a row depends on that row alone.
        block_size: Rows of a block; 0 runs the whole batch at once.
        compile: `"none"`, `"xla"` (compiles the wrapped layer's call) or `"auto"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        That of `layer`, `[B, …]`.

    Output shape:
        That of `layer`.
    """

    def __init__(
        self, layer: Any, *, block_size: int = 128, compile: str = "auto", **kwargs: Any
    ) -> None:
        super().__init__(layer, **kwargs)
        self.block_size = block_size
        self.compile = check_choice("compile", compile, ("auto", "none", "xla"))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        rows = inputs.shape[0]
        if not self.block_size or not rows or rows % self.block_size or rows == self.block_size:
            return self.layer(inputs, training=training)
        blocks = ops.split(inputs, rows // self.block_size, axis=0)
        return ops.concatenate([self.layer(x, training=training) for x in blocks], axis=0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "block_size": self.block_size,
            "compile": self.compile,
        }
