"""Attention of a few tokens to other tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.attention import attend, attention_weights, project

PROJECTIONS = ("query", "key", "value")


@keras.saving.register_keras_serializable(package="ctrmoe")
class CrossAttention(keras.layers.Layer):
    """Weighted means of other tokens, for each of a few query tokens.

        CA(Q, K, V) = softmax(Q W_Q (K W_K)ᵀ / √d_k) V W_V

    where keys and values are the same tokens. Padding has weight 0; a row that is all padding
    gives zeros. The largest tensor is `[B, Q, N]`: the cost is linear in N. Where N is 1 when the
    layer is built, the weight is 1 and there are no W_Q and W_K.

    Args:
        num_heads: Number of heads, H. Each is `d_k = D / H` wide and they are concatenated.
        use_bias: Whether queries and values have a bias; one of keys would add the same to all
            scores of a query, which the softmax cancels.
        project_query: Whether there is a W_Q.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `query` `[B, Q, D]`, `context` `[B, N, D]` and optionally `keep` `[B, N]`, true where
        `context` is no padding. N may be unknown.

    Output shape:
        `[B, Q, D]`.

    Raises:
        ValueError: If `num_heads` is no positive integer or does not divide D, or if `context` is
            not as wide as `query`, or has more tokens than the one it was built for.

    Example:

    >>> CrossAttention(2)(keras.ops.ones((5, 3, 8)), keras.ops.ones((5, 7, 8))).shape
    TensorShape([5, 3, 8])
    """

    def __init__(
        self,
        num_heads: int = 1,
        *,
        use_bias: bool = False,
        project_query: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = check_positive_integer("num_heads", num_heads)
        self.use_bias = use_bias
        self.project_query = project_query

    def build(self, query_shape: Sequence[int | None], context_shape: Sequence[int | None]) -> None:
        dim = query_shape[-1]
        if context_shape[-1] != dim:
            raise ValueError(
                "`context` must be as wide as `query`. "
                f"Received: query.shape={tuple(query_shape)}, "
                f"context.shape={tuple(context_shape)}."
            )
        if dim is None or dim % self.num_heads:
            raise ValueError(
                "`num_heads` must divide the width of the tokens. "
                f"Received: num_heads={self.num_heads}, width={dim}."
            )
        names = ["value"] if context_shape[1] == 1 else list(PROJECTIONS)
        if not self.project_query and "query" in names:
            names.remove("query")
        self.kernels = {name: self._weight(f"{name}_kernel", (dim, dim)) for name in names}
        biased = [name for name in names if self.use_bias and name != "key"]
        self.biases = {name: self._weight(f"{name}_bias", (dim,)) for name in biased}

    def _weight(self, name: str, shape: tuple[int, ...]) -> Any:
        initializer = "zeros" if len(shape) == 1 else "glorot_uniform"
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def call(self, query: Any, context: Any, keep: Any = None) -> Any:
        if "key" in self.kernels:
            queries, keys, values = self._heads(query, context, keep)
            heads = [attend(*head) for head in zip(queries, keys, values, strict=True)]
        else:
            heads = self._values_of_one(query, context)
        x = ops.concatenate(heads, axis=-1) if len(heads) > 1 else heads[0]
        if keep is None:
            return x
        # Among padding alone the softmax is that of the scores: no weight is 0.
        return ops.where(ops.any(ops.cast(keep, "bool"), axis=1)[:, None, None], x, 0.0)

    def _values_of_one(self, query: Any, context: Any) -> list[Any]:
        if context.shape[1] != 1:
            raise ValueError(
                "`context` must have one token, as when the layer was built. "
                f"Received: context.shape={tuple(context.shape)}."
            )
        values = self._project(context, ("value",))
        return [ops.repeat(value, query.shape[1], axis=1) for value in values]

    def attention(self, query: Any, context: Any, keep: Any = None) -> Any:
        """Attention weights `[B, H, Q, N]`; those of a query sum to 1, or to 0 among padding."""
        if "key" in self.kernels:
            queries, keys, _ = self._heads(query, context, keep)
            heads = zip(queries, keys, strict=True)
            weights = ops.stack([attention_weights(*head) for head in heads], axis=1)
        else:
            weights = ops.ones((ops.shape(query)[0], self.num_heads, query.shape[1], 1))
        if keep is None:
            return weights
        some = ops.any(ops.cast(keep, "bool"), axis=1)
        return weights * ops.cast(some, weights.dtype)[:, None, None, None]

    def _heads(self, query: Any, context: Any, keep: Any) -> tuple[list[Any], ...]:
        """Queries, keys and values of each head, `[B, Q or N, d_k]`."""
        queries = self._project(query, ("query",))
        keys_and_values = self._project(context, ("key", "value"))
        scale = 1 / math.sqrt(queries[0].shape[-1])
        queries = [scale * head for head in queries]
        keys, values = keys_and_values[: self.num_heads], keys_and_values[self.num_heads :]
        if keep is not None:
            # A column more, of ones and of what the scores get: no tensor [B, Q, N] for the mask.
            score = self._padding_score(keep)
            queries = [ops.concatenate([q, ops.ones_like(q[:, :, :1])], axis=-1) for q in queries]
            keys = [ops.concatenate([key, score], axis=-1) for key in keys]
        return queries, keys, values

    def _padding_score(self, keep: Any) -> Any:
        padding = ops.logical_not(ops.cast(keep, "bool"))
        return ops.cast(padding, self.compute_dtype)[:, :, None] * padding_score(self.compute_dtype)

    def _project(self, tokens: Any, names: Sequence[str]) -> list[Any]:
        """The heads of the first projection, then those of the next."""
        dim = tokens.shape[-1]
        width = dim // self.num_heads
        columns = [slice(h * width, (h + 1) * width) for h in range(self.num_heads)]
        if names == ("query",) and not self.project_query:
            return [tokens[:, :, head] for head in columns]
        parts = [(name, head) for name in names for head in columns]
        x = ops.reshape(tokens, (-1, dim))
        kernels = [self.kernels[name][:, head] for name, head in parts]
        products = project(x, kernels)
        products = [
            x + self.biases[name][head] if name in self.biases else x
            for x, (name, head) in zip(products, parts, strict=True)
        ]
        return [ops.reshape(x, (-1, ops.shape(tokens)[1], width)) for x in products]

    def compute_output_shape(
        self, query_shape: Sequence[int | None], context_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "use_bias": self.use_bias,
            "project_query": self.project_query,
        }


def padding_score(dtype: str) -> float:
    """What the scores of padding get: its exponential is 0, and it overflows in no dtype."""
    return -3e4 if dtype == "float16" else -1e9
