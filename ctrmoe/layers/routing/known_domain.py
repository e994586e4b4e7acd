"""Numbers of domains that may be out of range."""

from __future__ import annotations

from typing import Any

from keras import ops


def known_domain(domain: Any, num_domains: int) -> Any:
    """The domain, 0 where it is none of `num_domains`: 0 stands for all without a known domain."""
    known = ops.logical_and(domain >= 0, domain < num_domains)
    return ops.where(known, domain, 0)
