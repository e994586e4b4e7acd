"""Interactions: layers from field tokens to field tokens, `[B, F, D] → [B, F', D']`."""

from typing import Any

from ctrmoe.layers.interactions.autoint import AutoInt

INTERACTIONS: dict[str, type[Any]] = {
    "autoint": AutoInt,
}
