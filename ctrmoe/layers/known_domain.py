"""Numbers of domains that may be out of range."""

from __future__ import annotations

from typing import Any

from keras import ops


def known_domain(domain: Any, num_domains: int) -> Any:
    """The domain, 0 where it is none of `num_domains`: 0 stands for all without a known domain.

    Args:
        domain: `[B]`; Keras builds a reloaded model with symbols of floats, whatever it reads.
        num_domains: Number of domains, domain 0 included.

    Returns:
        `[B]` int32.

    Raises:
        ValueError: If `domain` does not hold one number a row.
    """
    if len(domain.shape) != 1:
        raise ValueError(
            "`domain` must hold one number for each row, `[B]`. "
            f"Received: shape={tuple(domain.shape)}. "
            "Drop a last axis of 1 by `keras.ops.squeeze(domain, axis=-1)`."
        )
    known = ops.logical_and(domain >= 0, domain < num_domains)
    return ops.cast(ops.where(known, domain, 0), "int32")
