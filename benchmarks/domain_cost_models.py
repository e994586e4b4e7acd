"""What `domain_cost.py` measures: the models, their sizes and the numbers of domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DOMAINS = (10, 30, 100, 300)
BATCH_SIZE = 4096
STEPS, SKIPPED = 21, 5
SLOW_STEPS = {("hinet", 100): 6, ("hinet", 300): 4, ("m3oe", 300): 7}
"""Of models whose every row reads the experts of all domains; two of them are left out."""
PEER_STEPS = {10: 12, 30: 10, 100: 6}
"""By number of domains; at 300 its STAR alone would hold 30 GB."""
DOMAIN_POWER = 0.8
SETTINGS = (
    f"train.batch_size={BATCH_SIZE}",
    "train.learning_rate=0.001",
    "model.embedding.dim=16",
    "data.shuffle_rows=100000",
)
BFLOAT16 = "train.precision=mixed_bfloat16"
"""For models whose step is mostly matrix products; the peer has no such option."""
OURS, PEER = "ctrmoe", "Scenario-Wise-Rec"
Runs = Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]]
"""The figures of each repetition by package, model and number of domains."""


@dataclass(frozen=True)
class Model:
    """A named config, what is set in it, and the peer's class of the same sizes, if there is one.

    Args:
        config: A file of `pipelines/configs`.
        settings: `--set` of its sizes.
        peer: Name of the class.
    """

    config: str
    settings: tuple[str, ...] = ()
    peer: str = ""


MODELS = {
    "shared_bottom": Model("shared_bottom", peer="SharedBottom"),
    "domain_towers": Model("domain_towers"),
    "mmoe": Model("mmoe", peer="MMOE"),
    "ple": Model("ple", peer="PLE"),
    "star": Model("star", ("model.auxiliary.units=[32]",), peer="Star"),
    "adaptdhm": Model("adaptdhm", peer="AdaptDHM"),
    "sarnet": Model(
        "sarnet",
        ("model.domain_network.units=[16]", "model.tower.units=[32, 32]"),
        peer="Sarnet",
    ),
    "adasparse": Model("adasparse", peer="AdaSparse"),
    "m3oe": Model(
        "m3oe",
        (
            "model.domain_network.star_dim=256",
            "model.domain_network.units=[128]",
            "model.towers=domain",
            "model.tower.units=[64]",
        ),
        peer="M3oE",
    ),
    "pepnet": Model("pepnet"),
    "pepnet, EPNet alone": Model(
        "pepnet",
        ("model.domain_network.gate_units=624", "model.domain_network.ppnet=false"),
        peer="EPNet",
    ),
    **{
        f"{name}, bfloat16": Model(name, (BFLOAT16,), peer=peer)
        for name, peer in (
            ("shared_bottom", "SharedBottom"),
            ("mmoe", "MMOE"),
            ("adasparse", "AdaSparse"),
        )
    },
    "hinet": Model("hinet"),
    "m2m": Model("m2m"),
}
