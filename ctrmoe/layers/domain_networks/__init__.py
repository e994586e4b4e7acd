"""Networks of several domains: `(x [B, H], domain [B]) → [B, U]`, or `[B, T, U]`, one a task."""

from typing import Any

from ctrmoe.layers.domain_networks.adasparse import AdaSparse
from ctrmoe.layers.domain_networks.hinet import HiNet
from ctrmoe.layers.domain_networks.m2m import M2M
from ctrmoe.layers.domain_networks.m3oe import M3oE
from ctrmoe.layers.domain_networks.pepnet import PEPNet
from ctrmoe.layers.domain_networks.ple import PLE
from ctrmoe.layers.domain_networks.sarnet import SARNet

DOMAIN_NETWORKS: dict[str, type[Any]] = {
    "adasparse": AdaSparse,
    "hinet": HiNet,
    "m2m": M2M,
    "m3oe": M3oE,
    "pepnet": PEPNet,
    "ple": PLE,
    "sarnet": SARNet,
}
