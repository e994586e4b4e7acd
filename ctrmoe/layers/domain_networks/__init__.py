"""Networks of several domains: `(x [B, H], domain [B]) → [B, U]`, or `[B, T, U]`, one a task."""

from typing import Any

from ctrmoe.layers.domain_networks.hinet import HiNet
from ctrmoe.layers.domain_networks.ple import PLE

DOMAIN_NETWORKS: dict[str, type[Any]] = {
    "hinet": HiNet,
    "ple": PLE,
}
