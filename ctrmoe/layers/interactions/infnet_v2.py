"""INFNet's second version: hubs that aggregate and broadcast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer, check_tokens
from ctrmoe.layers.interactions.behaviour_sequences import (
    BehaviourSequences,
    joined,
    listed_shapes,
    total_length,
)
from ctrmoe.layers.interactions.infnet_v2_block import INFNetV2Block
from ctrmoe.layers.interactions.sequence_hubs import SequenceHubs
from ctrmoe.layers.interactions.task_interaction import TaskInteraction
from ctrmoe.layers.interactions.task_tokens import TaskTokens
from ctrmoe.layers.interactions.token_mlp import TokenMLP


@keras.saving.register_keras_serializable(package="ctrmoe")
class INFNetV2(TaskInteraction):
    """Tokens of tasks that read fields and behaviour sequences through hubs.

    The tokens C of the fields, S of the sequences and T of the tasks, and their hubs

        H_C = reshape(MLP(flatten(C)))                    n_c tokens
        H_S,a = (1/n_a) Σ_t (s_{a,t} W_a + b_a)           one token for each sequence a
        H_T = T ⊕ T_shared                                all trainable

    pass through blocks, whose equations are in `INFNetV2Block`. A tower for each task follows.

    Padding is no key of an attention and no term of a sum; a sequence without any token gives
    zeros. The last block updates the tasks alone: nothing else reaches the output.

    Args:
        num_tasks: Number of tasks.
        num_blocks: Number of blocks.
        num_heads: Heads of every attention; they divide D.
        num_hubs: n_c and the number of shared task tokens.
        expansion: Width in tokens of the hidden layers of the MLPs.
        positions: Adds a trainable vector for each place of a sequence.
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
            not D wide, or its length is unknown and there are `positions`.

    Reference:
        Aggregate and Broadcast: Scalable and Efficient Feature Interaction for Recommender
        Systems, 2026, arXiv:2508.11565v2, as public summaries and the program UniRank describe
        it. Time intervals between behaviours are left out. Keys have no bias, which the softmax
        would cancel, and padding is masked where UniRank sets keys and values to zero.

    Example:

    >>> INFNetV2(2)(keras.ops.ones((5, 3, 8)), keras.ops.ones((5, 9, 8))).shape
    TensorShape([5, 2, 8])
    """

    def __init__(
        self,
        num_tasks: int,
        *,
        num_blocks: int = 4,
        num_heads: int = 1,
        num_hubs: Sequence[int] = (16, 4),
        expansion: int = 4,
        positions: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_tasks = check_positive_integer("num_tasks", num_tasks)
        self.num_blocks = check_positive_integer("num_blocks", num_blocks)
        self.num_heads = check_positive_integer("num_heads", num_heads)
        if not isinstance(num_hubs, list | tuple) or len(num_hubs) != 2:
            raise ValueError(f"`num_hubs` must be two integers. Received: num_hubs={num_hubs!r}.")
        self.num_hubs = [check_positive_integer("num_hubs", count) for count in num_hubs]
        self.expansion = check_positive_integer("expansion", expansion)
        self.positions = positions
        dtype = self.dtype_policy
        self.behaviour = BehaviourSequences(positions=positions, dtype=dtype, name="behaviour")
        self.tasks = TaskTokens(num_tasks, dtype=dtype, name="tasks")
        self.shared_tasks = TaskTokens(self.num_hubs[1], dtype=dtype, name="shared_tasks")
        self.field_hubs = TokenMLP([expansion, self.num_hubs[0]], dtype=dtype, name="field_hubs")
        self.sequence_hubs = SequenceHubs(dtype=dtype, name="sequence_hubs")
        self.blocks = [
            INFNetV2Block(
                num_heads=num_heads,
                expansion=expansion,
                last=i == num_blocks - 1,
                dtype=dtype,
                name=f"block_{i}",
            )
            for i in range(num_blocks)
        ]

    def build(self, tokens_shape: Sequence[int | None], sequences_shape: Any = None) -> None:
        fields, dim = check_tokens(tokens_shape, "tokens")
        self.input_spec = keras.layers.InputSpec(shape=(None, fields, dim))
        sequences = listed_shapes(sequences_shape, dim)
        self.tasks.build(tokens_shape)
        self.shared_tasks.build(tokens_shape)
        counts: dict[str, int | None] = {"fields": fields, "tasks": self.num_tasks}
        counts["task_hubs"] = self.num_tasks + self.num_hubs[1]
        # A single block updates the tasks' hubs alone.
        if self.num_blocks > 1:
            self.field_hubs.build(tokens_shape)
            counts["field_hubs"] = self.num_hubs[0]
        if sequences:
            self.behaviour.build(sequences)
            counts["sequences"] = total_length(sequences)
            counts["sequence_hubs"] = len(sequences)
            if self.num_blocks > 1:
                self.sequence_hubs.build(sequences)
        for block in self.blocks:
            block.build({name: (None, count, dim) for name, count in counts.items()})

    def first_tokens(self, fields: Any, sequences: list[Any], masks: list[Any]) -> tuple[Any, Any]:
        """The tokens and hubs that the first block reads, and the sequences' mask, if any."""
        tasks = self.tasks(fields)
        state = {"fields": fields, "tasks": tasks}
        state["task_hubs"] = ops.concatenate([tasks, self.shared_tasks(fields)], axis=1)
        if self.num_blocks > 1:
            state["field_hubs"] = self.field_hubs(fields)
        if not sequences:
            return state, None
        sequences = self.behaviour(sequences, keep=masks)
        state["sequences"] = joined(sequences)
        if self.num_blocks > 1:
            state["sequence_hubs"] = self.sequence_hubs(sequences, keep=masks)
        return state, joined(masks)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tasks": self.num_tasks,
            "num_blocks": self.num_blocks,
            "num_heads": self.num_heads,
            "num_hubs": self.num_hubs,
            "expansion": self.expansion,
            "positions": self.positions,
        }
