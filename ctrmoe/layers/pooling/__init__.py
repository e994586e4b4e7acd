"""Poolings: layers from a sequence to one token, `[B, L, D] → [B, D]`.

`reads_query` says whether a pooling reads the candidate: what does not is the same for all of them.
"""

from typing import Any

from ctrmoe.layers.pooling.mean import MeanPooling
from ctrmoe.layers.pooling.self_attention import SelfAttentionPooling
from ctrmoe.layers.pooling.target_attention import TargetAttention

POOLINGS: dict[str, type[Any]] = {
    "mean": MeanPooling,
    "self_attention": SelfAttentionPooling,
    "target_attention": TargetAttention,
}
