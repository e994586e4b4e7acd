"""Banks of experts: `[T, H] → [T, E, U]`, a leading expert axis in every weight."""

from typing import Any

from ctrmoe.layers.experts.feed_forward import FeedForwardExperts
from ctrmoe.layers.experts.gated_linear import GatedLinearExperts
from ctrmoe.layers.experts.product import ProductExperts

EXPERTS: dict[str, type[Any]] = {
    "feed_forward": FeedForwardExperts,
    "gated_linear": GatedLinearExperts,
    "product": ProductExperts,
}
