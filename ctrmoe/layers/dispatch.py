"""Applies experts to the rows that a router sends to them, at a cost that follows the chosen ones.

A routing is a dict of tensors; these functions read of it

    index   [T, K] int32     the chosen experts of a row; E stands for none
    gate    [T, K] float32   their weights, 0 where there is none

All forms compute `y_t = Σ_k gate_tk · expert_{index_tk}(x_t)`; they differ in time and memory only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras import ops

from ctrmoe.layers.experts.expert_bank import ExpertBank

Routing = Mapping[str, Any]
METHODS = ("dense", "fused", "blocked")
SPARSE_SHARE, FORWARD_SHARE = 0.6, 0.55
"""Of what all experts compute on all rows, the share that `blocked` may compute to be faster; and
outside of training, with many experts, whose weights it copies for their blocks."""
MIN_BLOCK, BLOCK = 16, 64
MANY_ROWS, LARGE_BATCH = 512, 4096
"""Rows of an expert and of a batch from which on larger blocks are as fast, or faster."""
FEW_EXPERTS = 8
"""Up to so many, `fused` trains as fast as `dense` or faster."""


def dispatch(
    x: Any,
    routings: Sequence[Routing],
    bank: ExpertBank,
    *,
    method: str = "auto",
    block_size: int | None = None,
    training: bool | None = None,
) -> list[Any]:
    """Applies the chosen experts.

    Args:
        x: `[T, H]`.
        routings: One or more of the same rows.
        bank: The experts.
        method: One of `METHODS`, or `auto` for `fastest`.
        block_size: Rows of a block, where blocked; None for `usual_block_size`.
        training: Whether dropout acts.

    Returns:
        `[T, U]` for each routing.

    Raises:
        ValueError: If `method` is `fused` and the experts do not end in a linear map.
    """
    choices = sum(routing["index"].shape[1] for routing in routings)
    block_size = block_size or usual_block_size(x.shape[0], choices, bank.num_experts)
    if method == "auto":
        method = fastest(x.shape[0], routings, bank, block_size, training)
    if method == "blocked":
        return blocked(x, routings, bank, block_size=block_size, training=training)
    if method == "dense":
        return dense(x, routings, bank, training)
    if not bank.fuses:
        raise ValueError(
            "`dispatch` must be dense or blocked for experts that do not end in a linear map. "
            f"Received: dispatch={method!r}, experts={bank.name!r}."
        )
    return fused(x, routings, bank, training)


def fastest(
    rows: int | None,
    routings: Sequence[Routing],
    bank: ExpertBank,
    block_size: int,
    training: bool | None,
) -> str:
    """The method that measured fastest: see `benchmarks/results/dispatch.md`.

    `blocked` where few of the experts are chosen and their blocks are not mostly padding. Else
    `fused`, but `dense` for the training of many experts, whose gradients it takes at less cost,
    and for several routings, for which it computes the last layer once.

    Args:
        rows: T, None if it is not static; then it is taken for a large number.
        routings: As in `dispatch`.
        bank: As in `dispatch`.
        block_size: As in `dispatch`.
        training: As in `dispatch`.
    """
    choices = sum(routing["index"].shape[1] for routing in routings)
    padding = block_size / rows if rows else 0.0
    many = bank.num_experts > FEW_EXPERTS
    limit = FORWARD_SHARE if many and not training else SPARSE_SHARE
    if choices / bank.num_experts + padding <= limit:
        return "blocked"
    fuses = bank.fuses and len(routings) == 1 and not (many and training)
    return "fused" if fuses else "dense"


def usual_block_size(rows: int | None, choices: int, num_experts: int) -> int:
    """The next power of two of the mean rows of an expert, 16 to 64; 128 where both are many.

    Larger blocks are more padding, smaller ones more copies of an expert's weights.
    """
    if rows is None:
        return BLOCK
    mean = max(1, rows * choices // num_experts)
    if mean >= MANY_ROWS and rows >= LARGE_BATCH:
        return 2 * BLOCK
    return min(max(MIN_BLOCK, 1 << (mean - 1).bit_length()), BLOCK)


def gate_matrix(routing: Routing, num_experts: int) -> Any:
    """The weights of all experts, `[T, E]`, 0 for those that are not chosen."""
    # The class beyond the last one has a row of zeros in a one-hot matrix.
    chosen = ops.one_hot(routing["index"], num_experts, dtype=routing["gate"].dtype)
    return ops.einsum("tk,tke->te", routing["gate"], chosen)


def dense(
    x: Any, routings: Sequence[Routing], bank: ExpertBank, training: bool | None = None
) -> list[Any]:
    """All experts on all rows, once for all routings."""
    results = bank(x, training=training)
    return [
        ops.einsum("te,teu->tu", ops.cast(gate_matrix(r, bank.num_experts), results.dtype), results)
        for r in routings
    ]


def fused(
    x: Any, routings: Sequence[Routing], bank: ExpertBank, training: bool | None = None
) -> list[Any]:
    """All experts on all rows, the sum over experts inside the last product."""
    gates = [ops.cast(gate_matrix(r, bank.num_experts), x.dtype) for r in routings]
    return bank.fused(x, gates, training=training)


def blocked(
    x: Any,
    routings: Sequence[Routing],
    bank: ExpertBank,
    *,
    block_size: int = 64,
    training: bool | None = None,
) -> list[Any]:
    """Each expert on the rows that chose it, in blocks of rows of one expert; none is dropped.

    The rows of an expert are padded to whole blocks, so that their number has a static bound of
    `⌈TK / block_size⌉ + E`, whatever the routing.
    """
    index = ops.concatenate([routing["index"] for routing in routings], axis=1)
    plan = _Plan(index, bank.num_experts, block_size)
    blocks = ops.reshape(_gather(x, plan.row_of_slot, plan.slots), (-1, block_size, x.shape[-1]))
    tensors = {
        name: ops.take(tensor, plan.expert_of_block, axis=0)
        for name, tensor in bank.tensors().items()
    }
    results = ops.reshape(bank.compute(blocks, tensors, training=training), (-1, bank.output_dim))
    chosen = _gather(results, ops.reshape(plan.slots, (-1,)), plan.pair_of_slot[:, None])
    chosen = ops.reshape(chosen, (-1, index.shape[1], bank.output_dim))
    return _weighted_sums(chosen, routings)


def _weighted_sums(chosen: Any, routings: Sequence[Routing]) -> list[Any]:
    """Sums the results of the chosen experts, `[T, ΣK, U]`, for each routing."""
    sums, start = [], 0
    for routing in routings:
        gate = ops.cast(routing["gate"], chosen.dtype)
        own = chosen[:, start : start + gate.shape[1]]
        sums.append(ops.einsum("tk,tku->tu", gate, own))
        start += gate.shape[1]
    return sums


class _Plan:
    """Which slot of which block each pair of row and chosen expert goes to.

    Args:
        index: `[T, C]`, the experts of each row; E stands for none.
        num_experts: Number of experts, E.
        block_size: Slots of a block.

    The slots are numbered over all blocks. What has no expert goes to the one after the last,
    which stands for zeros.
    """

    def __init__(self, index: Any, num_experts: int, block_size: int) -> None:
        choices = index.shape[1]
        pairs = ops.reshape(index, (-1,))
        one_hot = ops.one_hot(pairs, num_experts, dtype="int32")
        running = ops.cumsum(one_hot, axis=0)
        blocks = (running[-1] + block_size - 1) // block_size
        ends = ops.cumsum(blocks)
        # Rows of an expert keep their order, after its first slot.
        first = (ends - blocks) * block_size
        place = ops.sum(one_hot * (running - 1 + first), axis=1)
        count = ops.shape(pairs)[0]
        num_blocks = (count + block_size - 1) // block_size + num_experts
        num_slots = num_blocks * block_size
        place = ops.where(pairs < num_experts, place, num_slots)
        self.slots = ops.reshape(place, (-1, choices))
        # One more than the pair, so that 0 is left for slots without one.
        numbers = ops.arange(1, count + 1, dtype="int32")
        filled = ops.scatter(place[:, None], numbers, (num_slots + 1,))[:-1]
        self.pair_of_slot = ops.where(filled > 0, filled - 1, count)
        self.row_of_slot = ops.where(filled > 0, (filled - 1) // choices, count // choices)
        numbers = ops.arange(num_blocks, dtype="int32")
        experts = ops.sum(ops.cast(numbers[:, None] >= ends, "int32"), axis=1)
        self.expert_of_block = ops.minimum(experts, num_experts - 1)


def _gather(values: Any, places: Any, back: Any) -> Any:
    """Reads rows; the one after the last is zero.

    The gradient is a gather too, where that of `take` would be a scatter.

    Args:
        values: `[A, D]`.
        places: `[N]`, the row that each result is.
        back: `[A, R]`, the results that each row is read for; N where there are less than R.

    Returns:
        `[N, D]`.
    """

    @ops.custom_gradient
    def gather(values: Any) -> Any:
        def gradient(*args: Any, upstream: Any = None) -> Any:
            upstream = args[0] if upstream is None else upstream
            return ops.sum(ops.take(_with_zeros(upstream), back, axis=0), axis=1)

        return ops.take(_with_zeros(values), places, axis=0), gradient

    return gather(values)


def _with_zeros(values: Any) -> Any:
    return ops.concatenate([values, ops.zeros_like(values[:1])], axis=0)
