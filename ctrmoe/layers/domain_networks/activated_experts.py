"""Banks of experts that end in their activation."""

from __future__ import annotations

from typing import Any

from ctrmoe.layers.experts.feed_forward import FeedForwardExperts


def activated_experts(
    num_experts: int, *, activation: Any, rows_per_domain: int = 0, **kwargs: Any
) -> FeedForwardExperts:
    """Multilayer perceptrons with `activation` after the last layer too.

    Args:
        num_experts: Number of experts.
        activation: Activation of every layer.
        rows_per_domain: How many experts in a row each domain has for itself, 0 where all domains
            share them.
        **kwargs: Other arguments of `FeedForwardExperts`.
    """
    bank = FeedForwardExperts(
        num_experts, activation=activation, output_activation=activation, **kwargs
    )
    bank.rows_per_domain = rows_per_domain
    return bank
