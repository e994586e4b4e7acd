"""One block of INFNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers._checks import check_choice
from ctrmoe.layers.interactions.cross_attention import CrossAttention
from ctrmoe.layers.interactions.proxy_gated_unit import ProxyGatedUnit
from ctrmoe.layers.interactions.token_mean import TokenMean

LAYER_NORM_EPSILON = 1e-5
PROXIES = {
    "fields": "field_proxies",
    "sequences": "sequence_proxies",
    "tasks": "task_proxies",
}
# What attends to what in the heterogeneous flow.
CONTEXTS = {
    "field_proxies": ("sequences", "tasks"),
    "sequence_proxies": ("fields", "tasks"),
    "task_proxies": ("fields", "sequences"),
    "tasks": ("fields", "sequences"),
}
STREAMS = (*PROXIES, *PROXIES.values())


@keras.saving.register_keras_serializable(package="ctrmoe")
class INFNetBlock(keras.layers.Layer):
    """Lets information flow between the kinds of tokens, then within each kind.

    With C fields, S sequences, T tasks, a tilde for their proxies, and CA of `CrossAttention`,
    PGU of `ProxyGatedUnit`:

        C̃' = CA(C̃, S, S) + CA(C̃, T, T)
        S̃' = CA(S̃, C, C) + CA(S̃, T, T)
        T̃' = CA(T̃, C, C) + CA(T̃, S, S)
        T̂  = CA(T, C, C) + CA(T, S, S)
        C' = PGU(C, C̃'),  S' = PGU(S, S̃'),  T' = PGU(T̂, T̃')

    A kind that the input lacks leaves its terms out. Only what leads to `outputs` is computed and
    has weights.

    Args:
        num_heads: Heads of every attention.
        num_gate_layers: Dense layers of every gate's MLP.
        pgu_proxies: `"updated"` gates by the proxies after the attention, `"literal"` by those
            before it.
        residual: Adds what an attention or a gate replaces.
        layer_norm: Normalises after each of them.
        share_task_projections: T̃ and T attend by the same projections.
        gated_units: Whether there are PGUs; without, C and S stay as they are and T' is T̂.
        cross_attention: Whether CA weighs its tokens; without, it is their mean, `TokenMean`.
        outputs: The tokens that are asked for, of `"fields"`, `"sequences"`, `"tasks"`,
            `"field_proxies"`, `"sequence_proxies"` and `"task_proxies"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        A dictionary of tokens `[B, ·, D]` by the names of `outputs`, those of `inputs` at least
        except for sequences and their proxies; optionally `keep` `[B, L]`, true where the
        sequences are no padding.

    Output shape:
        A dictionary of those of `outputs` that the input has, with the shapes of the input.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Li et al., INFNet, 2025, arXiv:2508.11565v1; without residual and normalisation the
        equations to the letter, with the proxies of the gates as its text has them.
    """

    def __init__(
        self,
        *,
        num_heads: int = 1,
        num_gate_layers: int = 2,
        pgu_proxies: str = "updated",
        residual: bool = True,
        layer_norm: bool = True,
        share_task_projections: bool = False,
        gated_units: bool = True,
        cross_attention: bool = True,
        outputs: Sequence[str] = STREAMS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.num_gate_layers = num_gate_layers
        self.pgu_proxies = check_choice("pgu_proxies", pgu_proxies, ("updated", "literal"))
        self.residual = residual
        self.layer_norm = layer_norm
        self.share_task_projections = share_task_projections
        self.gated_units = gated_units
        self.cross_attention = cross_attention
        self.outputs = [check_choice("outputs", name, STREAMS) for name in outputs]
        self._gated = [kind for kind in PROXIES if kind in self.outputs and gated_units]
        self._attending = [target for target in CONTEXTS if self._is_needed(target)]
        self.attentions = self._attentions()
        self.gates = {
            kind: ProxyGatedUnit(num_gate_layers, dtype=self.dtype_policy, name=f"{kind}_gate")
            for kind in self._gated
        }
        self.norms = {
            f"{name}_{step}_norm": self._norm(f"{name}_{step}_norm")
            for step, names in (("attention", self._attending), ("gate", self._gated))
            for name in (names if layer_norm else ())
        }

    def _is_needed(self, target: str) -> bool:
        """Whether an update of the heterogeneous flow leads to an output."""
        if target in self.outputs:
            return True
        gates = self.pgu_proxies == "updated"
        return gates and any(PROXIES[kind] == target for kind in self._gated)

    def _attentions(self) -> dict[str, Any]:
        attentions: dict[str, Any] = {}
        for target in self._attending:
            for context in CONTEXTS[target]:
                twin = attentions.get(f"task_proxies_to_{context}")
                if target == "tasks" and self.share_task_projections and twin is not None:
                    attentions[f"tasks_to_{context}"] = twin
                    continue
                name = f"{target}_to_{context}"
                options = {"dtype": self.dtype_policy, "name": name}
                attentions[name] = (
                    CrossAttention(self.num_heads, **options)
                    if self.cross_attention
                    else TokenMean(**options)
                )
        return attentions

    def _norm(self, name: str) -> Any:
        return keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, dtype=self.dtype_policy, name=name
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tokens that lead to an output."""
        needed = set(self.outputs) | set(self._attending)
        needed |= {context for target in self._attending for context in CONTEXTS[target]}
        if self.pgu_proxies == "literal":
            needed |= {PROXIES[kind] for kind in self._gated}
        return tuple(name for name in STREAMS if name in needed)

    def build(self, tokens_shape: Mapping[str, Sequence[int | None]]) -> None:
        for target, context in self._flows(tokens_shape):
            attention = self.attentions[f"{target}_to_{context}"]
            if not attention.built:
                attention.build(tokens_shape[target], tokens_shape[context])
        for kind, gate in self.gates.items():
            if kind in tokens_shape:
                gate.build(tokens_shape[kind], tokens_shape[PROXIES[kind]])
        updated = {"attention": {target for target, _ in self._flows(tokens_shape)}}
        updated["gate"] = set(self._gated) & set(tokens_shape)
        for name, norm in self.norms.items():
            stream, _, step = name.removesuffix("_norm").rpartition("_")
            if stream in updated[step]:
                norm.build(tokens_shape[stream])

    def _flows(self, tokens: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Targets and contexts among the kinds that are there."""
        return [
            (target, context)
            for target in self._attending
            for context in CONTEXTS[target]
            if target in tokens and context in tokens
        ]

    def call(self, tokens: Mapping[str, Any], keep: Any = None) -> dict[str, Any]:
        updated = dict(tokens)
        sums: dict[str, Any] = {}
        for target, context in self._flows(tokens):
            attention = self.attentions[f"{target}_to_{context}"]
            padding = {"keep": keep} if context == "sequences" else {}
            flow = attention(tokens[target], tokens[context], **padding)
            sums[target] = sums[target] + flow if target in sums else flow
        for target, flow in sums.items():
            updated[target] = self._updated(f"{target}_attention", tokens[target], flow)
        gating = updated if self.pgu_proxies == "updated" else tokens
        gating = {kind: gating[PROXIES[kind]] for kind in self._gated if kind in tokens}
        for kind, proxies in gating.items():
            x = updated[kind]
            updated[kind] = self._updated(f"{kind}_gate", x, self.gates[kind](x, proxies))
        return {name: updated[name] for name in self.outputs if name in tokens}

    def attention(self, tokens: Mapping[str, Any], keep: Any = None) -> dict[str, Any]:
        """Attention weights `[B, H, Q, N]` by flow, such as `"tasks_to_fields"`."""
        weights = {}
        for target, context in self._flows(tokens):
            name = f"{target}_to_{context}"
            padding = {"keep": keep} if context == "sequences" else {}
            weights[name] = self.attentions[name].attention(
                tokens[target], tokens[context], **padding
            )
        return weights

    def _updated(self, step: str, x: Any, change: Any) -> Any:
        x = x + change if self.residual else change
        return self.norms[f"{step}_norm"](x) if self.layer_norm else x

    def compute_output_shape(
        self, tokens_shape: Mapping[str, Sequence[int | None]]
    ) -> dict[str, Sequence[int | None]]:
        return {name: tokens_shape[name] for name in self.outputs if name in tokens_shape}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "num_gate_layers": self.num_gate_layers,
            "pgu_proxies": self.pgu_proxies,
            "residual": self.residual,
            "layer_norm": self.layer_norm,
            "share_task_projections": self.share_task_projections,
            "gated_units": self.gated_units,
            "cross_attention": self.cross_attention,
            "outputs": self.outputs,
        }
