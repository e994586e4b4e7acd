"""Sums of experts' results that are weighted by a softmax."""

from __future__ import annotations

from typing import Any

from keras import ops


def softmax(logits: Any) -> Any:
    """The softmax over the last axis, in float32 whatever the policy, as the gates of a router."""
    logits = ops.cast(logits, "float32")
    # Not `ops.softmax`, which warns of an axis of size 1: a gate may have one expert.
    return ops.exp(logits - ops.logsumexp(logits, axis=-1, keepdims=True))


def gated_sum(logits: Any, *, own: Any = None, shared: Any = None) -> Any:
    """`y_q = Σ_k g_qk own_qk + Σ_s g_qs shared_s` with `g_q = softmax(logits_q)` over all of them.

    Args:
        logits: `[B, Q, K + S]`, those of a gate's own experts first.
        own: `[B, Q K, U]`, the results that each gate has for itself, or None where K is 0.
        shared: `[B, S, U]`, the results that all gates weigh, or None where S is 0.

    Returns:
        `[B, Q, U]`.
    """
    results = shared if own is None else own
    gates = ops.cast(softmax(logits), results.dtype)
    if own is None:
        return ops.matmul(gates, shared)
    num_gates = logits.shape[1]
    per_gate = own.shape[1] // num_gates
    own = ops.reshape(own, (-1, num_gates, per_gate, own.shape[-1]))
    y = ops.squeeze(ops.matmul(gates[:, :, None, :per_gate], own), axis=2)
    return y if shared is None else y + ops.matmul(gates[..., per_gate:], shared)
