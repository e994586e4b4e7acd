"""FGCNN: new fields by convolutions over the fields of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_tokens
from ctrmoe.layers.interactions.convolution_block import ConvolutionBlock

PAIR = (list, tuple)


@keras.saving.register_keras_serializable(package="ctrmoe")
class FGCNN(keras.layers.Layer):
    """Adds generated fields to the tokens of a row, for any classifier that follows.

    Each block maps the feature maps S of a row, at first its tokens as one map, for every
    embedding column q on its own, to

        C[p, q, j] = tanh(Σ_c Σ_a S[p + a, q, c] · W_C[a, c, j])     convolution over fields
        S[p, q, j] ← max_a C[p · pool_size + a, q, j]                pooling over fields
        R = tanh(W_R · flatten(S) + b_R)                             recombination

    R are F' · new_maps new fields if the pooling leaves F'; S goes on to the next block. A kernel
    sees neighbours, so that the order of the fields matters: keep it, related fields together.

    Args:
        filters: Feature maps of each block; an empty list returns the tokens as they are.
        kernel_size: Fields under the kernel, for all blocks or for each.
        new_maps: New fields for each field that the pooling leaves, for all blocks or for each.
        pool_size: Fields of a pooling window.
        pooling: What becomes of fields that fill no whole window: `"ceil"` pools those that there
            are, `"floor"` drops them.
        padding: Where the kernel exceeds the fields: `"bottom"` looks forward from each field, as
            in the equation; `"same"` puts each field in the middle of its kernel.
        use_bias: Whether the convolutions have a bias; there is none with
            `batch_normalization`, which would cancel it.
        batch_normalization: Normalises the feature maps before tanh.
        recombination_rank: Makes W_R, which has nearly all of the layer's weights, a product of
            two matrices of this rank. None for a full matrix, as in the paper.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`, or a pair of such: tokens that are passed on and tokens that fields are
        generated from, of two embedding tables as in the paper.

    Output shape:
        `[B, F + generated, D]`: the tokens, then the new fields of the first block and so on.

    Raises:
        ValueError: If an argument is out of range, lists differ in length, or the pooling leaves
            no field.

    Reference:
        Liu et al., Feature Generation by Convolutional Neural Network for Click-Through Rate
        Prediction, 2019, arXiv:1904.04447. The defaults are the paper's equations with the sizes
        of its Criteo experiments; the rounding of odd heights is not in the paper, and `"floor"`
        leaves none of 13 fields after four blocks. FuxiCTR's layer is `padding="same"`,
        `batch_normalization=True`, except that its pooling pads the first window too; DeepCTR's is
        `padding="same"`, `use_bias=True`, `pooling="floor"`. We flatten S by column, field and
        map, which only orders the rows of W_R.

    Example:

    >>> FGCNN(filters=[4, 5], kernel_size=3, new_maps=2)(keras.ops.ones((2, 7, 3))).shape
    TensorShape([2, 19, 3])
    """

    reads_second_embedding = True

    def __init__(
        self,
        *,
        filters: Sequence[int] = (38, 40, 42, 44),
        kernel_size: int | Sequence[int] = 9,
        new_maps: int | Sequence[int] = 3,
        pool_size: int = 2,
        pooling: str = "ceil",
        padding: str = "bottom",
        use_bias: bool = False,
        batch_normalization: bool = False,
        recombination_rank: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = list(filters)
        self.kernel_size = _copied(kernel_size)
        self.new_maps = _copied(new_maps)
        self.pool_size = check_positive_integer("pool_size", pool_size)
        self.options: dict[str, Any] = {
            "pooling": pooling,
            "padding": padding,
            "use_bias": use_bias,
            "batch_normalization": batch_normalization,
            "recombination_rank": recombination_rank,
        }
        sizes = zip(
            self.filters,
            self._each("kernel_size", kernel_size),
            self._each("new_maps", new_maps),
            strict=True,
        )
        self.blocks = [
            ConvolutionBlock(
                *size,
                pool_size=pool_size,
                **self.options,
                dtype=self.dtype_policy,
                name=f"convolution_{i}",
            )
            for i, size in enumerate(sizes)
        ]

    def _each(self, name: str, value: int | Sequence[int]) -> list[int]:
        """The value of every block."""
        values = [value] * len(self.filters) if isinstance(value, int) else list(value)
        if len(values) != len(self.filters):
            raise ValueError(
                f"`{name}` must be one integer or one for each of `filters`. "
                f"Received: {name}={value!r}, filters={self.filters!r}."
            )
        return values

    def build(self, input_shape: Any) -> None:
        _, generating = _pair_of_shapes(input_shape)
        shape = _shape_of_maps(generating)
        for block in self.blocks:
            block.build(shape)
            shape, _ = block.compute_output_shape(shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        raw, generating = inputs if isinstance(inputs, PAIR) else (inputs, inputs)
        # One tensor or two, whichever it was built for: no `input_spec` says that.
        _pair_of_shapes([tuple(raw.shape), tuple(generating.shape)])
        maps = ops.expand_dims(ops.transpose(generating, (0, 2, 1)), axis=-1)
        tokens = [raw]
        for block in self.blocks:
            maps, new = block(maps, training=training)
            tokens.append(new)
        return ops.concatenate(tokens, axis=1) if len(tokens) > 1 else raw

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        (batch, fields, dim), generating = _pair_of_shapes(input_shape)
        shape = _shape_of_maps(generating)
        for block in self.blocks:
            shape, new = block.compute_output_shape(shape)
            fields += new[1]
        return (batch, fields, dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "new_maps": self.new_maps,
            "pool_size": self.pool_size,
            **self.options,
        }


def _copied(value: int | Sequence[int]) -> int | list[int]:
    return value if isinstance(value, int) else list(value)


def _pair_of_shapes(input_shape: Any) -> tuple[Any, Any]:
    """The shapes of the tokens that are passed on and of those that fields are made from."""
    shapes = input_shape if isinstance(input_shape[0], PAIR) else [input_shape] * 2
    for shape in shapes:
        check_tokens(shape)
    if len(shapes) != 2 or shapes[0][-1] != shapes[1][-1]:
        raise ValueError(
            "`inputs` must be one tensor, or two with embeddings of one size. "
            f"Received: shapes={[tuple(shape) for shape in shapes]}."
        )
    return shapes[0], shapes[1]


def _shape_of_maps(shape: Sequence[int | None]) -> tuple[int | None, ...]:
    batch, fields, dim = shape
    return (batch, dim, fields, 1)
