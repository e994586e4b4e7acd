"""CIN: xDeepFM's compressed interaction network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_tokens


@keras.saving.register_keras_serializable(package="ctrmoe")
class CIN(keras.layers.Layer):
    """Combines fields entry by entry, one order higher with each layer.

    Layer k maps the tokens X^0 of a row and the feature maps of the layer before to

        X^k_h = f(Σ_i Σ_j W^{k,h}_{ij} (X^{k−1}_i ⊙ X^0_j))          (1)
        p^k_h = Σ_d X^k_{h,d}                                        (2)

    Args:
        units: Feature maps of each layer, H_k.
        pooled: Returns the sums (2), as in the paper; otherwise the maps themselves, tokens for
            another interaction or a classifier.
        split_half: Passes the first half of a layer's maps on to the next layer and the second
            half to the output, except for the last layer; otherwise both take all maps.
        activation: `f`, any name or function that Keras knows.
        use_bias: Whether `f` is of the sum and a bias.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, F, D]`.

    Output shape:
        `[B, Σ H_k, 1]`, or `[B, Σ H_k, D]` if not `pooled`; with `split_half` only half of each
        H_k but the last counts.

    Raises:
        ValueError: If a width is not a positive integer, `units` is empty, or a width that
            `split_half` divides is odd.

    Reference:
        Lian et al., xDeepFM: Combining Explicit and Implicit Feature Interactions for Recommender
        Systems, 2018, arXiv:1803.05170. The defaults are the equations with the identity as `f`;
        the authors' program and DeepCTR have `split_half`, `use_bias` and ReLU.

    Example:

    >>> CIN([8, 4])(keras.ops.ones((2, 3, 5))).shape
    TensorShape([2, 12, 1])
    """

    def __init__(
        self,
        units: Sequence[int] = (200, 200, 200),
        *,
        pooled: bool = True,
        split_half: bool = False,
        activation: Any = None,
        use_bias: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not units:
            raise ValueError(f"`units` must name at least one width. Received: units={units!r}.")
        self.units = [check_positive_integer("units", width) for width in units]
        self.pooled = pooled
        self.split_half = split_half
        if split_half and any(width % 2 for width in self.units[:-1]):
            raise ValueError(
                "`units` must be even but for the last with `split_half`. "
                f"Received: units={self.units!r}."
            )
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        # Maps that the next layer takes; the output takes the others, or all without a split.
        self.passed_on = [width // 2 if split_half else width for width in self.units[:-1]]

    def build(self, input_shape: Any) -> None:
        fields, _ = check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={1: fields})
        sources = [fields, *self.passed_on]
        self.kernels = [
            self.add_weight(name=f"kernel_{k}", shape=(source * fields, width))
            for k, (source, width) in enumerate(zip(sources, self.units, strict=True))
        ]
        if self.use_bias:
            self.biases = [
                self.add_weight(name=f"bias_{k}", shape=(width,), initializer="zeros")
                for k, width in enumerate(self.units)
            ]

    def call(self, inputs: Any) -> Any:
        fields, dim = inputs.shape[1:]
        first = ops.reshape(ops.transpose(inputs, (0, 2, 1)), (-1, fields))
        last, outputs = first, []
        for k, kernel in enumerate(self.kernels):
            weights = ops.reshape(kernel, (last.shape[1], fields, -1))
            maps = _compressed(last, first, weights)
            maps = self.activation(maps + self.biases[k] if self.use_bias else maps)
            if k == len(self.passed_on):
                outputs.append(maps)
            else:
                last = maps[:, : self.passed_on[k]]
                outputs.append(maps[:, self.passed_on[k] :] if self.split_half else maps)
        tokens = ops.reshape(ops.concatenate(outputs, axis=1), (-1, dim, self._num_tokens))
        if self.pooled:
            return ops.expand_dims(ops.sum(tokens, axis=1), axis=-1)
        return ops.transpose(tokens, (0, 2, 1))

    @property
    def _num_tokens(self) -> int:
        return sum(self.units) - (sum(self.passed_on) if self.split_half else 0)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self._num_tokens, 1 if self.pooled else input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "pooled": self.pooled,
            "split_half": self.split_half,
            "activation": keras.activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }


@ops.custom_gradient
def _compressed(left: Any, right: Any, kernel: Any) -> Any:
    """`Σ_i Σ_j left_i right_j kernel_ij`; the gradient multiplies anew instead of keeping products.

    `left` is `[N, H]`, `right` `[N, F]`, `kernel` `[H, F, K]`, the result `[N, K]`.
    """
    width, fields, units = kernel.shape
    kernel = ops.reshape(kernel, (-1, units))

    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
        upstream = args[0] if upstream is None else upstream
        of_products = ops.matmul(upstream, ops.transpose(kernel))
        of_products = ops.reshape(of_products, (-1, width, fields))
        # In the other order: TensorFlow would take equal products from the forward pass.
        of_kernel = ops.matmul(ops.transpose(_outer(right, left)), upstream)
        of_kernel = ops.transpose(ops.reshape(of_kernel, (fields, width, units)), (1, 0, 2))
        return (
            ops.squeeze(ops.matmul(of_products, right[:, :, None]), axis=2),
            ops.squeeze(ops.matmul(left[:, None], of_products), axis=1),
            of_kernel,
        )

    return ops.matmul(_outer(left, right), kernel), gradient


def _outer(left: Any, right: Any) -> Any:
    """All products of an entry of `left` and one of `right`, `[N, H · F]`."""
    products = ops.expand_dims(left, axis=2) * ops.expand_dims(right, axis=1)
    return ops.reshape(products, (-1, left.shape[1] * right.shape[1]))
