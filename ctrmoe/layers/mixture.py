"""Routers and the experts that they choose among."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer
from ctrmoe.layers.balance import BALANCES
from ctrmoe.layers.dispatch import METHODS, dispatch
from ctrmoe.layers.experts import EXPERTS
from ctrmoe.layers.registry import create
from ctrmoe.layers.routing import Router


@keras.saving.register_keras_serializable(package="ctrmoe")
class Mixture(keras.layers.Layer):
    """Sums of experts' results, `y_q = Σ_e g_qe(x) f_e(x) + Σ_s f_s(x)`, one for each gate q.

    One bank of experts, and for each gate (each task, in MMoE) a router of its own; or several
    banks, one for each task, which share one routing (STAR, AdaptDHM) or have one each. Shared
    experts are added for every row. The losses of a routing are added while training, each with a
    metric `<layer>_<kind>_loss`; further ones of a kind are numbered from 2.

    Args:
        experts: `kind` in `EXPERTS` and options of the bank, `num_experts` among them.
        router: Options of `Router`: `kind` in `SCORERS` with its options, `adjusts` and `selector`;
            or the kind alone. A linear softmax gate where there are none.
        num_gates: Number of routers, Q.
        num_banks: Number of banks, T. With more than one, Q is 1 or T, and result t is that of bank
            t by the one router or by router t.
        shared_experts: Number of experts of the same kind that every row has besides, of each bank.
        balance: `kind` in `BALANCES` and options of each loss, or its kind alone. Scheduled
            weights, and a scheduled `stddev` of noise, count the training steps of the mixture.
        dispatch: `dense`, `fused`, `blocked`, or `auto` for the measured choice.
        block_size: Rows of a block, where blocked; None for the measured choice.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, H]`, and the context: a dict of what the routers need, such as
        `domain`, `[B]` int32.

    Output shape:
        `[B, U]` or `[B, F, U]`; with several gates or banks `[B, Q, U]` or `[B, F, Q, U]`.

    Raises:
        ValueError: If a part does not take one of its options, the context lacks what it needs, or
            there are several banks and another number of gates.

    Example:

    >>> mixture = Mixture({"kind": "feed_forward", "num_experts": 4, "units": [8]})
    >>> mixture(keras.ops.ones((2, 3))).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        experts: Mapping[str, Any],
        *,
        router: Mapping[str, Any] | str | None = None,
        num_gates: int = 1,
        num_banks: int = 1,
        shared_experts: int = 0,
        balance: Sequence[Mapping[str, Any] | str] = (),
        dispatch: str = "auto",
        block_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(min_ndim=2, max_ndim=3)
        self.experts_options = _options("experts", experts)
        self.router_options = _options("router", router or {})
        self.num_gates = check_positive_integer("num_gates", num_gates)
        self.num_banks = check_positive_integer("num_banks", num_banks)
        if num_banks > 1 and num_gates not in (1, num_banks):
            raise ValueError(
                f"`num_gates` must be 1 or the number of banks, {num_banks}. "
                f"Received: num_gates={num_gates}."
            )
        self.num_results = max(num_gates, num_banks)
        self.shared_experts = shared_experts
        self.balance_options = [_options("balance", options) for options in balance]
        self.dispatch = check_choice("dispatch", dispatch, ("auto", *METHODS))
        self.block_size = block_size
        if block_size is not None:
            check_positive_integer("block_size", block_size)
        self.banks = self._banks(self.experts_options, "experts")
        self.shared = []
        if shared_experts:
            check_positive_integer("shared_experts", shared_experts)
            options = {**self.experts_options, "num_experts": shared_experts}
            self.shared = self._banks(options, "shared_experts")
        self.routers = [
            Router(self.experts.num_experts, **self.router_options, name=f"router_{gate}")
            for gate in range(num_gates)
        ]
        for bank in self.banks:
            bank.rows_per_domain = self.routers[0].scorer.experts_per_domain
        self.balances = [create(BALANCES, **options) for options in self.balance_options]
        kinds = [options["kind"] for options in self.balance_options]
        names = _numbered([f"{self.name}_{kind}_loss" for kind in kinds])
        self.metrics_of_balances = [keras.metrics.Mean(name) for name in names]
        self.scheduled = "step" in self._needs()

    def _banks(self, options: Mapping[str, Any], name: str) -> list[Any]:
        names = (
            [f"{name}_{bank}" for bank in range(self.num_banks)] if self.num_banks > 1 else [name]
        )
        return [create(EXPERTS, **options, dtype=self.dtype_policy, name=name) for name in names]

    @property
    def experts(self) -> Any:
        """The first bank."""
        return self.banks[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """What the context must hold."""
        return tuple(name for name in self._needs() if name != "step")

    def _needs(self) -> dict[str, None]:
        parts = (*self.routers, *self.balances)
        return dict.fromkeys(name for part in parts for name in part.needs)

    def build(self, input_shape: Sequence[int | None], **kwargs: Any) -> None:
        rows = (None, input_shape[-1])
        self.input_spec = keras.layers.InputSpec(min_ndim=2, max_ndim=3, axes={-1: input_shape[-1]})
        for part in (*self.banks, *self.shared, *self.routers):
            if not part.built:
                part.build(rows)
        if self.scheduled:
            self.step = self.add_weight(
                name="step",
                shape=(),
                dtype="int32",
                initializer="zeros",
                trainable=False,
                # Replicas count the same steps.
                aggregation="only_first_replica",
            )

    def call(
        self,
        inputs: Any,
        context: Mapping[str, Any] | None = None,
        training: bool | None = None,
    ) -> Any:
        x = ops.reshape(inputs, (-1, inputs.shape[-1]))
        context = self._of_rows(inputs, context or {})
        routings = [router(x, context=context, training=training) for router in self.routers]
        results = self._results(x, routings, training)
        if training:
            self._add_losses(routings, context)
            if self.scheduled:
                self.step.assign_add(1)
        y = ops.stack(results, axis=1) if self.num_results > 1 else results[0]
        return ops.reshape(y, (-1, *inputs.shape[1:-1], *y.shape[1:]))

    def _results(
        self, x: Any, routings: Sequence[Mapping[str, Any]], training: bool | None
    ) -> list[Any]:
        """`[T, U]` for each gate or bank."""
        options = {
            "method": self.dispatch,
            "block_size": self.block_size,
            "training": training,
        }
        if self.num_banks == 1:
            results = dispatch(x, routings, self.experts, **options)
        else:
            repeats = self.num_banks // len(routings)
            pairs = zip([*routings] * repeats, self.banks, strict=True)
            results = [dispatch(x, [routing], bank, **options)[0] for routing, bank in pairs]
        shared = [ops.sum(bank(x, training=training), axis=1) for bank in self.shared]
        if not shared:
            return results
        shared = shared * (len(results) // len(shared))
        return [result + every for result, every in zip(results, shared, strict=True)]

    def routing(
        self, inputs: Any, context: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Which experts each gate chooses for each row at inference."""
        x = ops.reshape(inputs, (-1, inputs.shape[-1]))
        context = self._of_rows(inputs, context or {})
        return [router(x, context=context) for router in self.routers]

    def _of_rows(self, inputs: Any, context: Mapping[str, Any]) -> dict[str, Any]:
        """The context of each token, that of its row, and the step."""
        missing = [name for name in self.needs if name not in context]
        if missing:
            raise ValueError(
                f"`context` must hold {', '.join(self.needs)}. Received: {sorted(context)}."
            )
        context = dict(context)
        if len(inputs.shape) > 2:
            tokens = inputs.shape[1]
            context = {name: ops.repeat(value, tokens, axis=0) for name, value in context.items()}
        return {**context, "step": self.step} if self.scheduled else context

    def _add_losses(
        self, routings: Sequence[Mapping[str, Any]], context: Mapping[str, Any]
    ) -> None:
        for loss, metric in zip(self.balances, self.metrics_of_balances, strict=True):
            value = sum(loss(routing, context=context) for routing in routings) / len(routings)
            self.add_loss(loss.weight(context) * value)
            metric.update_state(value)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        gates = (self.num_results,) if self.num_results > 1 else ()
        return (*input_shape[:-1], *gates, self.experts.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "experts": self.experts_options,
            "router": self.router_options,
            "num_gates": self.num_gates,
            "num_banks": self.num_banks,
            "shared_experts": self.shared_experts,
            "balance": self.balance_options,
            "dispatch": self.dispatch,
            "block_size": self.block_size,
        }


def _options(name: str, given: Any) -> dict[str, Any]:
    """The options of a part, of which the kind may be given alone."""
    if isinstance(given, str):
        return {"kind": given}
    if not isinstance(given, Mapping):
        raise ValueError(f"`{name}` must be options or a kind. Received: {name}={given!r}.")
    return dict(given)


def _numbered(names: Sequence[str]) -> list[str]:
    """The names, a second one that is the same with `_2`."""
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    pairs = zip(names, counts, strict=True)
    return [name if count == 1 else f"{name}_{count}" for name, count in pairs]
