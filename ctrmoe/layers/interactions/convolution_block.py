"""Convolution over neighbouring fields, pooling and recombination, the block that FGCNN repeats."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer


@keras.saving.register_keras_serializable(package="ctrmoe")
class ConvolutionBlock(keras.layers.Layer):
    """One step of FGCNN; its equations are in `FGCNN`.

    The convolution is a product with a band matrix `[F · C, F · filters]` made of the kernel, one
    for each position inside the pooling windows, because the maximum over a window is then an
    elementwise one of products. Its gradient needs the pooled maps and which position won, one
    byte each, so that no map before the pooling outlives the forward pass. This does not hold
    with `batch_normalization`, which must see all maps.

    Args:
        filters: Number of feature maps.
        kernel_size: Fields under the kernel.
        new_maps: New fields for each field that the pooling leaves.
        pool_size: Fields of a pooling window.
        pooling: `"ceil"` or `"floor"`.
        padding: `"bottom"` or `"same"`.
        use_bias: Whether the convolution has a bias, which `batch_normalization` would cancel.
        batch_normalization: Normalises the feature maps before tanh.
        recombination_rank: Rank of W_R; None for a full matrix.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        Feature maps `[B, D, F, C]`.

    Output shape:
        Pooled feature maps `[B, D, F', filters]` and new fields `[B, F' · new_maps, D]`.

    Raises:
        ValueError: If an argument is out of range, or the pooling leaves no field.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        new_maps: int,
        *,
        pool_size: int = 2,
        pooling: str = "ceil",
        padding: str = "bottom",
        use_bias: bool = False,
        batch_normalization: bool = False,
        recombination_rank: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = check_positive_integer("filters", filters)
        self.kernel_size = check_positive_integer("kernel_size", kernel_size)
        self.new_maps = check_positive_integer("new_maps", new_maps)
        self.pool_size = check_positive_integer("pool_size", pool_size)
        self.pooling = check_choice("pooling", pooling, ("ceil", "floor"))
        self.padding = check_choice("padding", padding, ("bottom", "same"))
        self.use_bias = use_bias
        self.has_bias = use_bias and not batch_normalization
        self.batch_normalization = batch_normalization
        if recombination_rank is not None:
            check_positive_integer("recombination_rank", recombination_rank)
        self.recombination_rank = recombination_rank
        self.norm = keras.layers.BatchNormalization(dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: Any) -> None:
        _, dim, fields, channels = input_shape
        pooled = self._pooled_fields(fields)
        self.kernel = self.add_weight(
            name="kernel", shape=(self.kernel_size, channels, self.filters)
        )
        if self.has_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        if self.batch_normalization:
            self.norm.build((None, dim, fields, self.filters))
        ranks = [self.recombination_rank] if self.recombination_rank else []
        widths = [dim * pooled * self.filters, *ranks, pooled * self.new_maps * dim]
        self.recombination_kernels = [
            self.add_weight(name=f"recombination_kernel_{i}", shape=shape)
            for i, shape in enumerate(itertools.pairwise(widths))
        ]
        self.recombination_bias = self.add_weight(
            name="recombination_bias", shape=widths[-1:], initializer="zeros"
        )

    def call(self, inputs: Any, training: bool | None = None) -> tuple[Any, Any]:
        _, dim, fields, channels = inputs.shape
        pooled = self._pooled_fields(fields)
        x = ops.reshape(inputs, (-1, fields * channels))
        if self.batch_normalization:
            maps = self._normalized_maxima(x, dim, fields, training)
        else:
            windows = _windows(fields, pooled, self.pool_size)
            maps = _max_of_products(x, *(self._band(fields, window) for window in windows))
        maps = ops.reshape(maps, (-1, dim, pooled, self.filters))
        # tanh rises, so that it may follow the maximum: there are fewer entries.
        maps = ops.tanh(maps + self.bias if self.has_bias else maps)
        new = ops.reshape(maps, (-1, dim * pooled * self.filters))
        for kernel in self.recombination_kernels:
            new = ops.matmul(new, kernel)
        new = ops.tanh(new + self.recombination_bias)
        return maps, ops.reshape(new, (-1, pooled * self.new_maps, dim))

    def _normalized_maxima(self, x: Any, dim: int, fields: int, training: bool | None) -> Any:
        products = ops.matmul(x, self._band(fields, np.arange(fields)))
        maps = ops.reshape(products, (-1, dim, fields, self.filters))
        maps = self.norm(maps, training=training)
        pooled = self._pooled_fields(fields)
        missing = pooled * self.pool_size - fields
        if missing > 0:
            last = maps[:, :, -1:]
            maps = ops.concatenate([maps, *([last] * missing)], axis=2)
        maps = maps[:, :, : pooled * self.pool_size]
        maps = ops.reshape(maps, (-1, dim, pooled, self.pool_size, self.filters))
        return ops.max(maps, axis=3)

    def _band(self, fields: int, positions: Any) -> Any:
        """The matrix of the convolution at some positions, `[F · C, P · filters]`."""
        before = 0 if self.padding == "bottom" else (self.kernel_size - 1) // 2
        rows = np.arange(fields)[:, None] - positions + before
        channels = self.kernel.shape[1]
        # Products with ones and zeros, as the gradient of a gather would be a slow scatter.
        taps = ops.cast(rows[..., None] == np.arange(self.kernel_size), self.compute_dtype)
        taps = ops.reshape(taps, (-1, self.kernel_size))
        band = ops.matmul(taps, ops.reshape(self.kernel, (self.kernel_size, -1)))
        band = ops.reshape(band, (fields, len(positions), channels, self.filters))
        return ops.reshape(ops.transpose(band, (0, 2, 1, 3)), (fields * channels, -1))

    def _pooled_fields(self, fields: int | None) -> int:
        if fields is None:
            raise ValueError("`inputs` must have a static number of fields. Received: fields=None.")
        up = self.pool_size - 1 if self.pooling == "ceil" else 0
        pooled = (fields + up) // self.pool_size
        if not pooled:
            raise ValueError(
                "`pool_size` must leave at least one field to every block. Received: "
                f"pool_size={self.pool_size}, fields={fields}. Use `pooling='ceil'` or less blocks."
            )
        return pooled

    def compute_output_shape(
        self, input_shape: Sequence[int | None]
    ) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        batch, dim, fields, _ = input_shape
        pooled = self._pooled_fields(fields)
        return (batch, dim, pooled, self.filters), (batch, pooled * self.new_maps, dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "new_maps": self.new_maps,
            "pool_size": self.pool_size,
            "pooling": self.pooling,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "batch_normalization": self.batch_normalization,
            "recombination_rank": self.recombination_rank,
        }


def _windows(fields: int, pooled: int, pool_size: int) -> list[Any]:
    """For each place in a pooling window, its position in every window.

    Where the last window exceeds the fields, the last field is repeated: its maximum is the same.
    """
    starts = np.arange(pooled) * pool_size
    return [np.minimum(starts + place, fields - 1) for place in range(pool_size)]


@ops.custom_gradient
def _max_of_products(x: Any, *kernels: Any) -> Any:
    """`max_a x · kernel_a`, entry by entry."""
    maxima, wins = ops.matmul(x, kernels[0]), []
    for kernel in kernels[1:]:
        products = ops.matmul(x, kernel)
        wins.append(products > maxima)
        maxima = ops.maximum(maxima, products)

    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
        upstream = args[0] if upstream is None else upstream
        zeros = ops.zeros_like(upstream)
        shares: list[Any] = []
        for win in reversed(wins):
            shares.insert(0, ops.where(win, upstream, zeros))
            upstream = ops.where(win, zeros, upstream)
        shares.insert(0, upstream)
        of_x = sum(
            ops.matmul(share, ops.transpose(kernel))
            for share, kernel in zip(shares, kernels, strict=True)
        )
        return (of_x, *(ops.matmul(ops.transpose(x), share) for share in shares))

    return maxima, gradient
