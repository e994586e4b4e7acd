"""INFNet: information flow between fields, behaviour sequences and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer, check_tokens
from ctrmoe.layers.interactions.behaviour_sequences import (
    BehaviourSequences,
    joined,
    listed_shapes,
    total_length,
)
from ctrmoe.layers.interactions.infnet_block import INFNetBlock
from ctrmoe.layers.interactions.task_interaction import TaskInteraction
from ctrmoe.layers.interactions.task_tokens import TaskTokens
from ctrmoe.layers.interactions.token_mlp import TokenMLP

PARTS = ("task_tokens", "gated_units", "cross_attention")
"""What the ablation of the paper leaves out."""


@keras.saving.register_keras_serializable(package="ctrmoe")
class INFNet(TaskInteraction):
    """Tokens of tasks that read fields and behaviour sequences through a few proxies.

    The tokens C of the fields, S of the sequences and T of the tasks, and their proxies

        C̃ = reshape(φ_cat(flatten(C)))           m tokens
        S̃_a = Σ_t φ_seq(s_{a,t})                 r tokens for each sequence a
        T̃ trainable                              N_s tokens

    pass through blocks, whose equations are in `INFNetBlock`. A tower for each task follows.

    Where the paper leaves a choice, the options are:

    - `pgu_proxies`: its equations gate by the proxies before the attention of the block, its text
      by those after it. `"updated"` follows the text.
    - `residual`, `layer_norm`: its text mentions residual connections, its equations have none.
      With both, `X̃ ← LN(X̃ + Σ CA)`, `T̂ = LN(T + Σ CA)` and `X ← LN(X + PGU(X))`; without, the
      equations to the letter.
    - `share_task_projections`: eight attentions a block have projections of their own, or those
      of T̃ and T share them.

    Padding is no key of an attention and no term of a sum; a sequence without any token gives
    zeros. What cannot reach the tokens of the tasks after the last block is left out of the last
    blocks.

    The parts of the paper's ablation can be left out, though how the paper does so is not in it:

    - `"task_tokens"`: T and T̃. Every task gets the mean of the fields' tokens plus that of the
      sequences' tokens.
    - `"gated_units"`: C and S stay as they are, T' is T̂.
    - `"cross_attention"`: the mean of the tokens, projected, takes its place. Without any flow the
      tokens of the tasks would be the same for all rows.

    Args:
        num_tasks: Number of tasks.
        num_blocks: Number of blocks.
        num_heads: Heads of every attention; they divide D.
        num_proxies: m, r and N_s.
        num_dense_layers: Dense layers of φ_cat, φ_seq and the gates' MLPs, ReLU between them.
        pgu_proxies: `"updated"` or `"literal"`.
        residual: Adds what an attention or a gate replaces.
        layer_norm: Normalises after each of them.
        share_task_projections: T̃ and T attend by the same projections.
        positions: Adds a trainable vector for each place of a sequence.
        without: The parts that are left out, of `"task_tokens"`, `"gated_units"` and
            `"cross_attention"`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `tokens` `[B, F, D]`; optionally `sequences` `[B, L, D]`, or a list of them for several
        kinds of behaviour, and `sequences_mask` `[B, L]`, or a list, true where there is no
        padding. Without it the sequences' own Keras masks count, such as those of
        `keras.layers.Embedding(…, mask_zero=True)`.

    Output shape:
        `[B, num_tasks, D]`.

    Raises:
        ValueError: If an argument is out of range, `num_heads` does not divide D, a sequence is
            not D wide, or if neither task tokens nor gated units are left.

    Reference:
        Li et al., INFNet: A Task-aware Information Flow Network for Large-Scale Recommendation
        Systems, 2025, arXiv:2508.11565v1, whose second version is `INFNetV2`. The number of
        blocks and of heads, the layers of the MLPs, masks and positions are not in the paper.

    Example:

    >>> INFNet(2)(keras.ops.ones((5, 3, 8)), keras.ops.ones((5, 9, 8))).shape
    TensorShape([5, 2, 8])
    """

    def __init__(  # noqa: PLR0913 - an option for each choice that the paper leaves
        self,
        num_tasks: int,
        *,
        num_blocks: int = 3,
        num_heads: int = 1,
        num_proxies: Sequence[int] = (4, 1, 2),
        num_dense_layers: Sequence[int] = (1, 1, 2),
        pgu_proxies: str = "updated",
        residual: bool = True,
        layer_norm: bool = True,
        share_task_projections: bool = False,
        positions: bool = False,
        without: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.without = [check_choice("without", part, PARTS) for part in without]
        if {"task_tokens", "gated_units"} <= set(self.without):
            raise ValueError(
                "`without` must leave the task tokens or the gated units, or no token would "
                f"change. Received: without={self.without}."
            )
        self.num_tasks = check_positive_integer("num_tasks", num_tasks)
        self.num_blocks = check_positive_integer("num_blocks", num_blocks)
        self.num_proxies = _check_triple("num_proxies", num_proxies)
        self.num_dense_layers = _check_triple("num_dense_layers", num_dense_layers)
        self.options: dict[str, Any] = {
            "num_heads": check_positive_integer("num_heads", num_heads),
            "pgu_proxies": pgu_proxies,
            "residual": residual,
            "layer_norm": layer_norm,
            "share_task_projections": share_task_projections,
        }
        self.positions = positions
        self.task_tokens = "task_tokens" not in self.without
        self.blocks = self._blocks()
        self.behaviour = BehaviourSequences(
            positions=positions, dtype=self.dtype_policy, name="behaviour"
        )
        self.tasks, self.task_proxies = (
            TaskTokens(count, dtype=self.dtype_policy, name=name)
            for name, count in (("tasks", num_tasks), ("task_proxies", self.num_proxies[2]))
        )
        self.field_mlp, self.sequence_mlp = (
            TokenMLP([proxies] * layers, dtype=self.dtype_policy, name=name)
            for name, proxies, layers in zip(
                ("field_mlp", "sequence_mlp"), self.num_proxies, self.num_dense_layers, strict=False
            )
        )

    def _blocks(self) -> list[INFNetBlock]:
        blocks: list[INFNetBlock] = []
        outputs: tuple[str, ...] = ("tasks",) if self.task_tokens else ("fields", "sequences")
        for i in reversed(range(self.num_blocks)):
            block = INFNetBlock(
                **self.options,
                gated_units="gated_units" not in self.without,
                cross_attention="cross_attention" not in self.without,
                num_gate_layers=self.num_dense_layers[2],
                outputs=outputs,
                dtype=self.dtype_policy,
                name=f"block_{i}",
            )
            blocks.insert(0, block)
            outputs = block.inputs
        return blocks

    def build(self, tokens_shape: Sequence[int | None], sequences_shape: Any = None) -> None:
        fields, dim = check_tokens(tokens_shape, "tokens")
        self.input_spec = keras.layers.InputSpec(shape=(None, fields, dim))
        sequences = listed_shapes(sequences_shape, dim)
        used = self.blocks[0].inputs
        if self.task_tokens:
            self.tasks.build(tokens_shape)
        if self.task_tokens and "task_proxies" in used:
            self.task_proxies.build(tokens_shape)
        if "field_proxies" in used:
            self.field_mlp.build(tokens_shape)
        if sequences:
            self.behaviour.build(sequences)
        if sequences and "sequence_proxies" in used:
            self.sequence_mlp.build((None, 1, dim))
        counts = self._counts(fields, sequences)
        for block in self.blocks:
            block.build({name: (None, count, dim) for name, count in counts.items()})

    def _counts(self, fields: int, sequences: list[Any]) -> dict[str, int | None]:
        """Tokens of each kind."""
        of_fields, of_sequence, of_tasks = self.num_proxies
        counts: dict[str, int | None] = {"fields": fields, "field_proxies": of_fields}
        if self.task_tokens:
            counts |= {"tasks": self.num_tasks, "task_proxies": of_tasks}
        if sequences:
            counts["sequences"] = total_length(sequences)
            counts["sequence_proxies"] = len(sequences) * of_sequence
        return counts

    def result(self, tokens: Any, keep: Any) -> Any:
        """The tokens of the tasks, or means of the fields and of the sequences, added, for each."""
        if self.task_tokens:
            return tokens["tasks"]
        pooled = ops.mean(tokens["fields"], axis=1, keepdims=True)
        if "sequences" in tokens:
            counted = ops.cast(keep, pooled.dtype)[:, None]
            count = ops.maximum(ops.sum(counted, axis=2, keepdims=True), 1)
            pooled += ops.matmul(counted, tokens["sequences"]) / count
        return ops.repeat(pooled, self.num_tasks, axis=1)

    def first_tokens(self, fields: Any, sequences: list[Any], masks: list[Any]) -> tuple[Any, Any]:
        """The tokens that the first block reads, and the mask of the sequences, if any."""
        used = self.blocks[0].inputs
        state = {"fields": fields}
        if self.task_tokens:
            state["tasks"] = self.tasks(fields)
        if self.task_tokens and "task_proxies" in used:
            state["task_proxies"] = self.task_proxies(fields)
        if "field_proxies" in used:
            state["field_proxies"] = self.field_mlp(fields)
        if not sequences:
            return state, None
        sequences = self.behaviour(sequences, keep=masks)
        state["sequences"] = joined(sequences)
        if "sequence_proxies" in used:
            proxies = map(self._sequence_proxies, sequences, masks)
            state["sequence_proxies"] = joined(list(proxies))
        return state, joined(masks)

    def _sequence_proxies(self, sequence: Any, mask: Any) -> Any:
        """`Σ_t φ_seq(s_t)` over the tokens that are not padding: `[B, L, D]` to `[B, r, D]`."""
        dim, count = sequence.shape[-1], self.num_proxies[1]
        x = self.sequence_mlp(ops.reshape(sequence, (-1, 1, dim)))
        x = ops.reshape(x, (-1, ops.shape(sequence)[1], count * dim))
        keep = ops.cast(mask, x.dtype)[:, None, :]
        return ops.reshape(ops.matmul(keep, x), (-1, count, dim))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tasks": self.num_tasks,
            "num_blocks": self.num_blocks,
            "num_proxies": self.num_proxies,
            "num_dense_layers": self.num_dense_layers,
            **self.options,
            "positions": self.positions,
            "without": self.without,
        }


def _check_triple(name: str, values: Any) -> list[int]:
    if not isinstance(values, list | tuple) or len(values) != 3:
        raise ValueError(f"`{name}` must be three integers. Received: {name}={values!r}.")
    return [check_positive_integer(name, value) for value in values]
