"""Selectors: which experts, and with which weights."""

from typing import Any

from ctrmoe.layers.routing.selectors.hard import Hard
from ctrmoe.layers.routing.selectors.softmax import Softmax
from ctrmoe.layers.routing.selectors.top_k import TopK
from ctrmoe.layers.routing.selectors.top_p import TopP

SELECTORS: dict[str, type[Any]] = {
    "hard": Hard,
    "softmax": Softmax,
    "top_k": TopK,
    "top_p": TopP,
}
