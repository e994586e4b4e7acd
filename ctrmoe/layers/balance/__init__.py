"""Losses of a routing: what keeps experts in use and logits small."""

from typing import Any

from ctrmoe.layers.balance.importance import Importance
from ctrmoe.layers.balance.switch import SwitchBalance
from ctrmoe.layers.balance.z import ZLoss

BALANCES: dict[str, type[Any]] = {
    "importance": Importance,
    "switch": SwitchBalance,
    "z": ZLoss,
}
