"""Interactions: layers from field tokens to field tokens, `[B, F, D] → [B, F', D']`."""

from typing import Any

from ctrmoe.layers.interactions.autoint import AutoInt
from ctrmoe.layers.interactions.cin import CIN
from ctrmoe.layers.interactions.cross_network import CrossNetwork
from ctrmoe.layers.interactions.dot_product import DotProduct
from ctrmoe.layers.interactions.fgcnn import FGCNN
from ctrmoe.layers.interactions.fm import FM
from ctrmoe.layers.interactions.infnet import INFNet
from ctrmoe.layers.interactions.infnet_v2 import INFNetV2

INTERACTIONS: dict[str, type[Any]] = {
    "autoint": AutoInt,
    "cin": CIN,
    "cross_network": CrossNetwork,
    "dot_product": DotProduct,
    "fgcnn": FGCNN,
    "fm": FM,
    "infnet": INFNet,
    "infnet_v2": INFNetV2,
}
