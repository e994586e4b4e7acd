"""One block of INFNet's second version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.interactions.broadcast_gated_unit import BroadcastGatedUnit
from ctrmoe.layers.interactions.cross_attention import CrossAttention

LAYER_NORM_EPSILON = 1e-5
HUBS = {"fields": "field_hubs", "sequences": "sequence_hubs", "tasks": "task_hubs"}


@keras.saving.register_keras_serializable(package="ctrmoe")
class INFNetV2Block(keras.layers.Layer):
    """Lets the hubs of each kind gather from all tokens, then broadcasts to the kind's tokens.

    For the kinds C fields, S sequences and T tasks with hubs H:

        Z_x = softmax(H_g W_Q K_xᵀ / √d_k) V_x                for x of C, S, T
        H_g ← LN(H_g + W_f [Z_C ⊕ Z_S ⊕ Z_T])
        X_g ← LN(X_g + BGU(X_g, H_g))

    with BGU of `BroadcastGatedUnit`. W_Q and W_f are those of the kind g, K_x and V_x are shared
    by all hubs. A kind that the input lacks leaves its terms out.

    Args:
        num_heads: Heads of every attention.
        expansion: Width of the gates' hidden layer in tokens.
        last: Only the tasks are updated: the rest would lead nowhere.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        A dictionary of `"fields"`, `"sequences"`, `"tasks"`, `"field_hubs"`, `"sequence_hubs"` and
        `"task_hubs"` `[B, ·, D]`, those of sequences optional; optionally `keep` `[B, L]`, true
        where the sequences are no padding.

    Output shape:
        A dictionary of the same shapes.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        arXiv:2508.11565v2.
    """

    def __init__(
        self, *, num_heads: int = 1, expansion: int = 4, last: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = check_positive_integer("num_heads", num_heads)
        self.expansion = check_positive_integer("expansion", expansion)
        self.last = last
        self._updated = ("tasks",) if last else tuple(HUBS)
        dtype = self.dtype_policy
        self.attentions = {
            kind: CrossAttention(
                num_heads, use_bias=True, project_query=False, dtype=dtype, name=f"to_{kind}"
            )
            for kind in HUBS
        }
        self.gates = {
            kind: BroadcastGatedUnit(expansion, dtype=dtype, name=f"{kind}_gate")
            for kind in self._updated
        }
        self.norms = {
            name: keras.layers.LayerNormalization(
                epsilon=LAYER_NORM_EPSILON, dtype=dtype, name=f"{name}_norm"
            )
            for kind in self._updated
            for name in (kind, HUBS[kind])
        }

    def build(self, tokens_shape: Mapping[str, Sequence[int | None]]) -> None:
        kinds = [kind for kind in HUBS if kind in tokens_shape]
        for kind in kinds:
            self.attentions[kind].build(tokens_shape["task_hubs"], tokens_shape[kind])
        dim = tokens_shape["tasks"][-1]
        self.query_weights, self.fusion_weights = {}, {}
        for kind in self._kinds(tokens_shape):
            self.gates[kind].build(tokens_shape[kind], tokens_shape[HUBS[kind]])
            for name in (kind, HUBS[kind]):
                self.norms[name].build(tokens_shape[name])
            self.query_weights[kind] = self._dense(f"{kind}_query", 1, dim)
            self.fusion_weights[kind] = self._dense(f"{kind}_fusion", len(kinds), dim)

    def _dense(self, name: str, count: int, dim: Any) -> list[Any]:
        """Kernel and bias from `count` tokens to one."""
        return [
            self.add_weight(shape=(count * dim, dim), name=f"{name}_kernel"),
            self.add_weight(shape=(dim,), initializer="zeros", name=f"{name}_bias"),
        ]

    def _kinds(self, tokens: Mapping[str, Any]) -> list[str]:
        """The kinds that are there and updated."""
        return [kind for kind in self._updated if kind in tokens]

    def call(self, tokens: Mapping[str, Any], keep: Any = None) -> dict[str, Any]:
        updated = dict(tokens)
        kinds = self._kinds(tokens)
        for kind, gathered in zip(kinds, self._gathered(tokens, kinds, keep), strict=True):
            name = HUBS[kind]
            fused = _project(gathered, *self.fusion_weights[kind])
            updated[name] = self.norms[name](tokens[name] + fused)
            x = tokens[kind]
            updated[kind] = self.norms[kind](x + self.gates[kind](x, updated[name]))
        return updated

    def _gathered(self, tokens: Mapping[str, Any], kinds: list[str], keep: Any) -> list[Any]:
        """`Z_C ⊕ Z_S ⊕ Z_T` of the hubs of each kind, `[B, P, 3 D]`."""
        queries = [_project(tokens[HUBS[kind]], *self.query_weights[kind]) for kind in kinds]
        # All hubs at once: they share keys and values.
        query = ops.concatenate(queries, axis=1) if len(queries) > 1 else queries[0]
        flows = []
        for kind, attention in self.attentions.items():
            if kind in tokens:
                padding = {"keep": keep} if kind == "sequences" else {}
                flows.append(attention(query, tokens[kind], **padding))
        gathered = ops.concatenate(flows, axis=-1)
        if len(kinds) == 1:
            return [gathered]
        counts = [tokens[HUBS[kind]].shape[1] for kind in kinds]
        ends = [sum(counts[: i + 1]) for i in range(len(counts) - 1)]
        return list(ops.split(gathered, ends, axis=1))

    def attention(self, tokens: Mapping[str, Any], keep: Any = None) -> dict[str, Any]:
        """Attention weights `[B, H, P, N]` by flow, such as `"task_hubs_to_fields"`."""
        weights = {}
        for kind in self._kinds(tokens):
            query = _project(tokens[HUBS[kind]], *self.query_weights[kind])
            for context, attention in self.attentions.items():
                if context in tokens:
                    padding = {"keep": keep} if context == "sequences" else {}
                    flow = f"{HUBS[kind]}_to_{context}"
                    weights[flow] = attention.attention(query, tokens[context], **padding)
        return weights

    def compute_output_shape(
        self, tokens_shape: Mapping[str, Sequence[int | None]]
    ) -> dict[str, Sequence[int | None]]:
        return dict(tokens_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "expansion": self.expansion,
            "last": self.last,
        }


def _project(tokens: Any, kernel: Any, bias: Any) -> Any:
    return ops.matmul(tokens, kernel) + bias
