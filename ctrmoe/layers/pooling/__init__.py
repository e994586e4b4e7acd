"""Poolings: layers from a sequence to one token, `[B, L, D] → [B, D]`."""

from ctrmoe.layers.pooling.mean import MeanPooling
from ctrmoe.layers.pooling.pooling import Pooling
from ctrmoe.layers.pooling.self_attention import SelfAttentionPooling
from ctrmoe.layers.pooling.target_attention import TargetAttention

POOLINGS: dict[str, type[Pooling]] = {
    "mean": MeanPooling,
    "self_attention": SelfAttentionPooling,
    "target_attention": TargetAttention,
}
