"""Softmax attention and its projections, with gradients of few passes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from keras import ops, tree


def attend(query: Any, key: Any, value: Any, keep: Any = None) -> Any:
    """Weighted means of `value`: `(softmax(query · keyᵀ) ∘ keep) · value`.

    The gradient of the scores is `α ∘ (keep ∘ (g · valueᵀ) − δ)` where `δ = Σ g ∘ output` sums over
    the columns of the output instead of the keys: of the passes over `[B, M, N]` that the
    derivative of a softmax takes two are left.

    Args:
        query: `[B, M, d]`, scaled already where the scores shall be.
        key: `[B, N, d]`.
        value: `[B, N, U]`.
        keep: `[B, M, N]`, factors of the weights: dropout's. None leaves them.

    Returns:
        `[B, M, U]`.

    Reference:
        The gradient: Dao et al., FlashAttention: Fast and Memory-Efficient Exact Attention with
        IO-Awareness, 2022, arXiv:2205.14135.
    """
    inputs = (query, key, value) if keep is None else (query, key, value, keep)
    return _attend(*inputs)


def attention_weights(query: Any, key: Any) -> Any:
    """`softmax(query · keyᵀ)`, `[B, M, N]`; those of a query sum to 1."""
    return ops.softmax(ops.matmul(query, _transpose(key)))


def project(x: Any, kernels: Sequence[Any]) -> list[Any]:
    """`x · kernel` for each kernel.

    Apart from one another because the columns of one large product would have to be copied apart,
    which costs more than it saves; the gradient is one product for all.

    Args:
        x: `[N, D]`.
        kernels: `[D, U]` each.

    Returns:
        `[N, U]` for each kernel.
    """
    return list(_project(x, *kernels))


@ops.custom_gradient
def _attend(query: Any, key: Any, value: Any, *keep: Any) -> Any:
    weights = attention_weights(query, key)
    kept = weights * keep[0] if keep else weights
    outputs = ops.matmul(kept, value)

    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
        upstream = args[0] if upstream is None else upstream
        delta = ops.sum(upstream * outputs, axis=-1, keepdims=True)
        of_weights = ops.matmul(upstream, _transpose(value))
        of_kept = of_weights * keep[0] if keep else of_weights
        of_scores = weights * (of_kept - delta)
        return (
            ops.matmul(of_scores, key),
            ops.matmul(_transpose(of_scores), query),
            ops.matmul(_transpose(kept), upstream),
            *(ops.zeros_like(factors) for factors in keep),
        )

    return outputs, gradient


@ops.custom_gradient
def _project(x: Any, *kernels: Any) -> Any:
    def gradient(*args: Any, upstream: Any = None) -> tuple[Any, ...]:
        upstream = ops.concatenate(tree.flatten(args if upstream is None else upstream), axis=1)
        of_kernels = ops.matmul(ops.transpose(x), upstream)
        *ends, _ = itertools.accumulate(kernel.shape[1] for kernel in kernels)
        return (
            ops.matmul(upstream, ops.transpose(ops.concatenate(kernels, axis=1))),
            *(ops.split(of_kernels, ends, axis=1) if ends else [of_kernels]),
        )

    return [ops.matmul(x, kernel) for kernel in kernels], gradient


def _transpose(x: Any) -> Any:
    return ops.transpose(x, (0, 2, 1))
